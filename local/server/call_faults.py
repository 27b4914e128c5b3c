"""Calls that are throttled, fail, hang or are slow. What a fault matches is `REGION SERVICE:ACTION`, and `REGION SERVICE:METHOD
PATH` where the protocol names no action, as the note of the call has them."""

import asyncio
import json

from . import faults

KINDS = ("call-throttled", "call-fails", "call-hangs", "call-slow")
_POLL_SECONDS = 0.05


def subject(call: dict) -> str:
    return f"{call['region']} {call['service']}:{call['action'] or call['method'] + ' ' + call['path']}"


async def error_for(call: dict) -> tuple[int, str, str] | None:
    """Status, code and message where the call is to be refused; it may take its time to say so, or that it goes on."""
    about = subject(call)
    while faults.matching("call-hangs", about):
        await asyncio.sleep(_POLL_SECONDS)
    if fault := faults.matching("call-slow", about):
        await asyncio.sleep(fault["seconds"])
    if faults.matching("call-throttled", about):
        return (503, "SlowDown", "Please reduce your request rate.") if call["service"] == "s3" else _throttling(call)
    if fault := faults.matching("call-fails", about):
        return 400, fault["code"], fault.get("message") or f"The local AWS was told to let {about} fail."
    return None


def _throttling(call: dict) -> tuple[int, str, str]:
    code = "Throttling" if call["service"] in ("rds", "cloudformation") else "ThrottlingException"
    return 400, code, "Rate exceeded"


def as_error(service: str, is_form: bool, code: str, message: str) -> tuple[str, str]:
    """Content type and body of an error in the protocol of the service."""
    if service == "s3":
        return "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if is_form:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return "application/xml", f"<ErrorResponse>{error}</ErrorResponse>"
    return "application/json", json.dumps({"__type": code, "message": message})
