"""Events that AWS services put on the default event bus of a Region."""

import json

from ministack.core.responses import get_account_id, request_scope
from ministack.services import eventbridge


def put(source: str, detail_type: str, detail: dict, resources: list[str], region: str) -> None:
    """Puts an event as a service does (users may not use a source `aws.`), so that the rules of the Region fire."""
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
    with request_scope(get_account_id(), region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
