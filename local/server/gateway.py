"""What every request passes before MiniStack answers it: the control API, the note of each call, Regions that are gone."""

import json
import re
import time
from datetime import datetime, timezone
from urllib.parse import parse_qs

from ministack import app as ministack
from ministack.core.router import detect_service, extract_region
from ministack.services import s3

from . import call_faults, control, faults, permissions

FORM = "application/x-www-form-urlencoded"


async def app(scope, receive, send):
    if scope["type"] != "http":
        return await ministack.app(scope, receive, send)
    if scope["path"].startswith(control.PREFIX):
        return await control.handle(scope, receive, send)

    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    service = detect_service(scope["method"], scope["path"], headers, query)
    region = extract_region(headers, query)
    call = {
        "at": _iso(time.time()),
        "region": region,
        "service": service,
        "method": scope["method"],
        "path": scope["path"],
        "action": headers.get("x-amz-target", "").rpartition(".")[2] or (query.get("Action") or [None])[0],
        "about": sorted({value for name, values in query.items() if _NAMES.search(name) for value in values}),
        "status": 0,
    }
    control.calls.append(call)

    async def noting_receive():
        message = await receive()
        if message["type"] == "http.request":
            _note_body(call, headers.get("content-type", ""), message.get("body", b""))
        return message

    async def noting_send(message):
        if message["type"] == "http.response.start":
            call["status"] = message["status"]
        await send(message)

    gone = next((r for r in (region, *_bucket_regions(service, scope["path"], headers)) if faults.region_gone(r)), None)
    if gone:
        return await _refuse(gone, service, headers, noting_send)
    caller = permissions.caller_of(headers, query)
    if caller is None and not faults.any_of(*call_faults.KINDS):
        return await ministack.app(scope, noting_receive, noting_send)

    # What is called may be in the body alone.
    body = await control.read(noting_receive)
    if caller is not None:
        bucket = ministack._extract_s3_vhost_bucket(headers.get("host", "")) if service == "s3" else None
        path = f"/{bucket}{scope['path']}" if bucket else scope["path"]
        raw_path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
        account = caller[1].split(":")[4]
        request = permissions.Request(service, region, account, scope["method"], path, raw_path, headers, query, body)
        if refused := permissions.refusal(call, caller, request):
            status, lines, text = refused
            kind = lines.pop("Content-Type")
            rest = [(name.encode(), value.encode()) for name, value in lines.items()]
            return await respond(noting_send, status, kind, text.decode(), rest)
    if error := await call_faults.error_for(call):
        status, code, message = error
        is_form = headers.get("content-type", "").startswith(FORM)
        kind, text = call_faults.as_error(service, is_form, code, message)
        return await respond(noting_send, status, kind, text, [(b"x-amzn-errortype", code.encode())])
    await ministack.app(scope, _replaying(body, receive), noting_send)


def _replaying(body: bytes, receive):
    """Gives a body that was read already, once."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay():
        return messages.pop() if messages else await receive()

    return replay


# Parameters that say what a call is about; their values are kept in the note of the call, and nothing else of its body.
_NAMES = re.compile(r"(Identifier|Arn|Token|ResourceName|Namespace|Value|DetailType)$")


def _note_body(call: dict, content_type: str, body: bytes) -> None:
    if content_type.startswith(FORM):
        fields = parse_qs(body[:4096].decode("latin-1"))
        call["action"] = call["action"] or (fields.get("Action") or [None])[0]
        found = [value for name, values in fields.items() if _NAMES.search(name) for value in values]
    elif "json" in content_type and len(body) < 65_536:
        try:
            found = list(_texts(json.loads(body)))
        except ValueError:
            return
    else:
        return
    call["about"] = sorted({*call["about"], *found})


def _texts(value, name: str = ""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)
    elif isinstance(value, str) and _NAMES.search(name):
        yield value


def _bucket_regions(service: str, path: str, headers: dict) -> list[str]:
    """Where the buckets live that an S3 request reads or writes: whichever Region signed it, it ends there."""
    if service != "s3":
        return []
    names = [ministack._extract_s3_vhost_bucket(headers.get("host", "")) or path.split("/")[1]]
    if source := headers.get("x-amz-copy-source"):
        names.append(source.lstrip("/").split("/")[0])
    return [bucket["region"] for name in names if (bucket := find_bucket(name))]


def find_bucket(name: str) -> dict | None:
    """Bucket names are global, MiniStack keeps them by account."""
    return next((bucket for key, bucket in list(s3._buckets._data.items()) if key[-1] == name), None)


async def _refuse(region: str, service: str, headers: dict, send) -> None:
    text = f"{region} is gone (fault region-gone of the local AWS)"
    is_form = headers.get("content-type", "").startswith(FORM)
    kind, body = call_faults.as_error(service, is_form, "ServiceUnavailable", text)
    await respond(send, 503, kind, body, [(b"x-amzn-errortype", b"ServiceUnavailable")])


async def respond(send, status: int, kind: str, body: str, headers=()) -> None:
    content = body.encode()
    lines = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
