"""S3 objects that were put earlier than they were: what waits for hours need not be waited for."""

from datetime import datetime, timedelta

from ministack.services import s3


def backdate(bucket: str, key: str, seconds: float) -> bool:
    """All versions of an object, in whichever account the bucket is. Says whether there is such an object."""
    records = [
        record
        for (_, name), found in list(s3._buckets._data.items())
        if name == bucket and (record := found["objects"].get(key))
    ]
    for (_, of), versions in list(s3._object_versions._data.items()):
        if of == (bucket, key):
            records += versions
    # A version may be the current object too.
    for record in {id(record): record for record in records}.values():
        earlier = datetime.fromisoformat(record["last_modified"]) - timedelta(seconds=seconds)
        record["last_modified"] = earlier.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return bool(records)
