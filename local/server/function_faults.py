"""Functions that throw, run into their time-out, or answer what they should not; whoever invokes them. `match` is a part of
the function's name."""

import json

from ministack.services import lambda_svc

from . import faults


def install() -> None:
    _execute = lambda_svc._execute_function

    def execute(function, event):
        config = function.get("config") or function
        result = _faulty(config)
        if result is None:
            return _execute(function, event)
        lambda_svc._emit_lambda_metrics(config.get("FunctionName", ""), 0.0, bool(result.get("error")), False)
        return result

    lambda_svc._execute_function = execute


def _faulty(config: dict) -> dict | None:
    name = config.get("FunctionName", "")
    if fault := faults.matching("function-answers", name):
        return {"body": json.loads(fault["message"]), "log": ""}
    if fault := faults.matching("function-fails", name):
        return _failure("Error", fault.get("message") or "The local AWS was told to let this function fail.")
    if faults.matching("function-times-out", name):
        # At once: nobody has to wait for the minutes of its time-out.
        return _failure("Sandbox.Timedout", f"Task timed out after {config.get('Timeout', 3)}.00 seconds")
    return None


def _failure(kind: str, message: str) -> dict:
    body = {"errorType": kind, "errorMessage": message}
    return {"body": body, "error": True, "function_error": "Unhandled", "log": ""}
