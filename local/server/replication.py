"""S3 replication as S3 does it: later, in no particular order, with the version ids of the source.

MiniStack copies at once. Here an object is PENDING first; each is copied after a delay of its own, so that of two objects
the later one may arrive first. What was there before the rule, and delete markers, are not replicated.
"""

import copy
import itertools
import random
import time

from ministack.core import iam_evaluator
from ministack.services import s3

from . import faults
from .clock import run_later
from .gateway import find_bucket
from .settings import DURATIONS

# From half the stated delay to one and a half: enough to change the order of objects written together.
JITTER = (0.5, 1.5)
# How often a paused replication looks whether it may go on.
POLL_SECONDS = 0.1

_written = itertools.count(1)


def install() -> None:
    s3._maybe_replicate = _replicate_later


def _replicate_later(bucket: str, key: str, obj: dict, data, tags: dict | None = None) -> None:
    """Called by MiniStack before it makes the version of `obj`."""
    rule, role = s3._replication_rule_for(bucket, key, tags)
    if rule is None:
        return
    obj["replication_status"] = "PENDING"
    obj["_written"] = next(_written)
    delay = DURATIONS["replicationSeconds"] * random.uniform(*JITTER)

    def replicate():
        _wait_while_held(bucket, key, rule)
        _replicate(bucket, key, obj, data, tags, rule, role)

    run_later(delay, replicate)


def _wait_while_held(bucket: str, key: str, rule: dict) -> None:
    subject = f"{bucket}/{key}"
    while faults.matching("replication-paused", subject) or any(map(faults.region_gone, _regions(bucket, rule))):
        time.sleep(POLL_SECONDS)


def _regions(bucket: str, rule: dict) -> list[str]:
    names = [bucket, rule["Destination"]["Bucket"].rpartition(":::")[2]]
    return [found["region"] for name in names if (found := find_bucket(name))]


def _replicate(bucket: str, key: str, obj: dict, data, tags: dict | None, rule: dict, role: str) -> None:
    version_id = obj["version_id"]
    source = _version(bucket, key, version_id)
    if source is None:
        return  # the version was deleted for good meanwhile
    target = None
    # S3 replicates over TLS, whatever the request that wrote the object came by: the destination's policy may ask.
    iam_evaluator._request_origin.set((iam_evaluator._request_origin.get()[0], True))
    if not faults.matching("replication-fails", f"{bucket}/{key}"):
        target = s3._replication_destination(bucket, key, rule, role)
    if target is None:
        obj["replication_status"] = source["replication_status"] = "FAILED"
        return
    name, account, destination = target
    replica = copy.deepcopy(obj)
    replica["replication_status"] = "REPLICA"
    replica["storage_class"] = rule["Destination"].get("StorageClass") or replica.get("storage_class")
    with s3._in_account(account):
        _put_version(name, destination, key, replica, data)
        if tags:
            s3._object_tags[(name, key, version_id)] = dict(tags)
    obj["replication_status"] = source["replication_status"] = "COMPLETED"


def _put_version(bucket: str, record: dict, key: str, replica: dict, data) -> None:
    """The newest write is the current version, in whichever order the replicas arrive."""
    versions = s3._object_versions.setdefault((bucket, key), [])
    current = record["objects"].get(key)
    entry = s3._version_entry_from_record(replica, replica["version_id"], data)
    if current and current.get("_written", 0) > replica["_written"]:
        position = next(i for i, v in enumerate(versions) if v["version_id"] == current["version_id"])
        versions.insert(position, entry)
        return
    s3._preserve_null_version(bucket, key, versions, current)
    for version in versions:
        version["is_latest"] = False
    versions.append({**entry, "is_latest": True})
    record["objects"][key] = replica


def _version(bucket: str, key: str, version_id: str) -> dict | None:
    versions = s3._object_versions.get((bucket, key)) or []
    return next((version for version in versions if version["version_id"] == version_id), None)
