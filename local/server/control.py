"""The control API below /_local/: faults and the calls noted so far. It is no part of AWS, and its own calls are not noted.

GET    /_local/ready            200
GET    /_local/calls            every API call since the start
GET    /_local/permissions      every permission of the functions' roles: whether a call needed it
POST   /_local/faults           {kind, match, message?, times?, seconds?, code?, database?}
DELETE /_local/faults           clears them all
POST   /_local/cold             ends every execution environment of functions: the next invocation is a cold start
POST   /_local/restore-test     {region, name, window_seconds?}: runs a restore testing plan, gives the ids of its restore jobs
POST   /_local/backdate         {bucket, key, seconds}: an S3 object is older than it is
"""

import json

from ministack.core import lambda_runtime

from . import faults, object_ages, permissions, restore_testing

PREFIX = "/_local/"
calls: list[dict] = []


async def handle(scope, receive, send) -> None:
    status, answer = _answer(scope["method"], scope["path"].removeprefix(PREFIX), await read(receive))
    content = json.dumps(answer).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content})


def _answer(method: str, name: str, body: bytes) -> tuple[int, object]:
    match method, name:
        case "GET", "ready":
            return 200, {}
        case "GET", "calls":
            return 200, [{key: value for key, value in call.items() if value is not None} for call in calls]
        case "GET", "permissions":
            return 200, permissions.usage()
        case "POST", "faults":
            try:
                faults.add(**json.loads(body))
            except (TypeError, ValueError) as error:
                return 400, {"message": str(error)}
            return 200, {}
        case "DELETE", "faults":
            faults.clear()
            return 200, {}
        case "POST", "cold":
            for key in list(lambda_runtime._workers):
                lambda_runtime.invalidate_worker(key.split(":")[2])
            return 200, {}
        case "POST", "restore-test":
            jobs = restore_testing.run(**json.loads(body))
            return (404, {"message": "no such restore testing plan"}) if jobs is None else (200, jobs)
        case "POST", "backdate":
            return (200, {}) if object_ages.backdate(**json.loads(body)) else (404, {"message": "no such object"})
    return 404, {"message": f"no {method} {PREFIX}{name} in the control API"}


async def read(receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
