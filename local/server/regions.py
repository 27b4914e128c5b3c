"""What stops in a Region that is gone, besides its API (gateway.py): its functions, its rules and schedules."""

from ministack.core import lambda_runtime
from ministack.core.arn import parse_arn
from ministack.core.responses import get_region
from ministack.services import eventbridge, lambda_svc

from . import faults


def install() -> None:
    _execute, _invoke_target = lambda_svc._execute_function, eventbridge._invoke_target

    def execute(function, event):
        arn = (function.get("config") or function).get("FunctionArn", "")
        if arn and faults.region_gone(parse_arn(arn).region):
            message = f"{parse_arn(arn).region} is gone (fault region-gone of the local AWS)"
            return {"error": True, "function_error": "Unhandled", "body": {"errorMessage": message}}
        return _execute(function, event)

    def invoke_target(*args, **named):
        if not faults.region_gone(get_region()):
            _invoke_target(*args, **named)

    lambda_svc._execute_function = execute
    eventbridge._invoke_target = invoke_target
    faults.when_region_goes(_end_running_functions)


def _end_running_functions(region: str) -> None:
    for key, workers in list(lambda_runtime._workers.items()):
        if key.split(":")[1] == region:
            lambda_runtime.kill_workers(list(workers))
