"""Durable functions as the SDK (@aws/durable-execution-sdk-js) expects the service to run them.

MiniStack keeps the executions, their operations and history, and answers checkpoints. What is here drives an execution:
it invokes the function, waits until an operation is due (a timer, a retry, the answer of an invoked function), invokes it
again with the operations so far, and so on to the end. One thread per execution.

As AWS documents it:
- only a qualified ARN (a version, an alias, $LATEST) can be invoked;
- an execution name makes a start idempotent: the same name and payload is the same execution, another payload a conflict;
- an asynchronous execution is not retried as a whole; when it ends FAILED, STOPPED or TIMED_OUT, the event that started it
  goes to the function's dead-letter target (`DeadLetterConfig`). Destinations (`OnFailure`) are not for durable functions.
"""

import asyncio
import contextvars
import json
import threading
import time

from ministack.core import lambda_runtime
from ministack.core.arn import parse_arn
from ministack.core.responses import new_uuid
from ministack.services import eventbridge, lambda_durable, lambda_svc, sns
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

from . import faults, function_metrics, permissions, settings

# How long one second of a wait, or of the pause before a step's next attempt, takes here.
SECOND = settings.DURATIONS["durableSecond"]
# A function that crashed is invoked again, as Lambda does, after a pause that doubles as long as it gets no further.
CRASH_PAUSE_SECONDS = (0.2, 30.0)
# The longest that a wake-up which nobody announced (a stop, a Region that comes back) goes unnoticed.
POLL_SECONDS = 0.5
UNQUALIFIED = "You cannot invoke a durable function using an unqualified ARN."


def install() -> None:
    _serialize, _apply, _append = (
        lambda_durable._serialize_operations,
        lambda_durable._apply_update,
        lambda_durable._append_chained_result,
    )

    def serialize(operations, *, for_event=False):
        # The SDK compares what is absent with undefined: null is something else to it.
        wire = _serialize(operations, for_event=for_event)
        return [{key: value for key, value in operation.items() if value is not None} for operation in wire]

    def apply(execution, update):
        _apply(execution, update)
        if update.get("Type") == "STEP":
            _track_step_retry(execution, update)
        elif update.get("Type") == "WAIT":
            _track_wait(execution, update)
        _wake(execution["DurableExecutionArn"])

    def append(execution, *outcome, **named):
        _append(execution, *outcome, **named)
        _wake(execution["DurableExecutionArn"])

    def schedule_resume(arn, *_):
        _wake(arn)
        return True

    lambda_durable._serialize_operations = serialize
    lambda_durable._apply_update = apply
    lambda_durable._append_chained_result = append
    lambda_durable.schedule_resume = schedule_resume
    lambda_durable.handle_checkpoint = _checkpoint(lambda_durable.handle_checkpoint)
    lambda_runtime.Worker.invoke = _noting_worker(lambda_runtime.Worker.invoke)
    lambda_durable.handle_list_by_function = _list_by_function
    _install_entries()


# --- Operations ------------------------------------------------------------------------------------------------------


def _operation(execution: dict, update: dict) -> dict:
    return next(operation for operation in execution["Operations"] if operation["Id"] == update["Id"])


def _track_wait(execution: dict, update: dict) -> None:
    seconds = update.get("WaitOptions", {}).get("WaitSeconds")
    if seconds is not None:
        _operation(execution, update)["WaitDetails"]["ScheduledEndTimestamp"] = time.time() + seconds * SECOND


def _track_step_retry(execution: dict, update: dict) -> None:
    step = _operation(execution, update)
    details = step.setdefault("StepDetails", {})
    if update["Action"] == "RETRY":
        # PENDING until it is due (see _settle); `Attempt` counts the attempts that have ended.
        step["Status"] = "PENDING"
        details["Attempt"] = details.get("Attempt", 0) + 1
        pause = update.get("StepOptions", {}).get("NextAttemptDelaySeconds", 0)
        details["NextAttemptTimestamp"] = time.time() + pause * SECOND
        if update.get("Payload") is not None:
            details["Result"] = update["Payload"]  # the state of a waitForCondition
    elif update["Action"] == "START":
        details.pop("NextAttemptTimestamp", None)


def _settle(execution: dict) -> tuple[bool, float | None]:
    """Ends the timers that are due. Says whether there were any, and when the next one is."""
    now, changed, upcoming = time.time(), False, []
    for operation in execution["Operations"]:
        due = _due(operation)
        if due is None:
            continue
        if due > now:
            upcoming.append(due)
            continue
        changed = True
        if operation["Type"] == "STEP":
            operation["Status"] = "READY"
            operation["StepDetails"].pop("NextAttemptTimestamp", None)
        elif operation["Type"] == "WAIT":
            _end(execution, operation, "SUCCEEDED", "WaitSucceeded", {"Duration": 0})
        else:
            error = {"ErrorType": "Callback.Timeout", "ErrorMessage": "Callback timed out"}
            operation["CallbackDetails"]["Error"] = error
            _end(execution, operation, "TIMED_OUT", "CallbackTimedOut", {"Error": {"Payload": error}})
    return changed, min(upcoming, default=None)


def _due(operation: dict) -> float | None:
    match operation["Type"], operation["Status"]:
        case "WAIT", "STARTED":
            return operation.get("WaitDetails", {}).get("ScheduledEndTimestamp")
        case "STEP", "PENDING":
            return operation.get("StepDetails", {}).get("NextAttemptTimestamp")
        case "CALLBACK", "STARTED":
            details = operation.get("CallbackDetails", {})
            deadlines = [details[key] for key in ("HeartbeatDeadline", "TimeoutDeadline") if details.get(key)]
            return min(deadlines, default=None)
    return None


def _end(execution: dict, operation: dict, status: str, event: str, details: dict) -> None:
    operation["Status"], operation["EndTimestamp"] = status, time.time()
    lambda_durable._emit_history_event(
        execution, event, f"{event}Details", details, event_id=operation["Id"], name=operation.get("Name")
    )


def _answered(execution: dict) -> set[str]:
    """Operations that others ended: callbacks, and invoked functions that returned."""
    return {
        operation["Id"]
        for operation in execution["Operations"]
        if operation["Type"] in ("CALLBACK", "CHAINED_INVOKE") and operation["Status"] not in ("STARTED", "PENDING")
    }


# --- Killing a function between its steps ----------------------------------------------------------------------------

# The process that runs an execution's function now.
_workers: dict[str, lambda_runtime.Worker] = {}


def _noting_worker(invoke):
    def noting(worker, *args, **named):
        context = lambda_svc._durable_ctx.get()
        if context is None:
            return invoke(worker, *args, **named)
        _workers[context["arn"]] = worker
        try:
            return invoke(worker, *args, **named)
        finally:
            _workers.pop(context["arn"], None)

    return noting


def _checkpoint(handle):
    def checkpoint(arn_path, body):
        execution, _ = lambda_durable._require_execution(arn_path)
        if execution is None:
            return handle(arn_path, body)
        updates = json.loads(body).get("Updates") or [] if faults.any_of("function-killed") else []
        if _kill_if_asked(execution, "before", updates):
            return lambda_svc.error_response_json("ServiceException", "The local AWS was told to kill this function.", 500)
        answer = handle(arn_path, body)
        execution["_Checkpoints"] = execution.get("_Checkpoints", 0) + 1
        _kill_if_asked(execution, "after", updates)
        return answer

    return checkpoint


def _kill_if_asked(execution: dict, when: str, updates: list[dict]) -> bool:
    name = execution["FunctionArn"].split(":function:")[-1]
    for update in updates:
        subject = f"{name} {when} {update.get('Type')} {update.get('Action')} {update.get('Name') or ''}"
        if not faults.matching("function-killed", subject):
            continue
        worker = _workers.get(execution["DurableExecutionArn"])
        if worker and worker._proc:
            worker._proc.kill()
        return True
    return False


# --- Listing executions ----------------------------------------------------------------------------------------------


def _list_by_function(function_name: str, query_params: dict, function_arn_of) -> tuple:
    """Without a qualifier those of all versions; of any of the states that are asked for. On one page."""
    arn = function_arn_of(function_name)
    if not arn:
        return lambda_svc.error_response_json("ResourceNotFoundException", f"Function not found: {function_name}", 404)
    qualifier = lambda_svc._qp_first(query_params, "Qualifier")
    states = query_params.get("Statuses") or []
    states = [states] if isinstance(states, str) else states
    found = [
        lambda_durable._execution_summary(execution)
        for execution in lambda_durable._executions.values()
        if execution["FunctionArn"] == arn
        and (not qualifier or execution["Version"] == qualifier)
        and (not states or execution["Status"] in states)
    ]
    found.sort(key=lambda summary: summary["StartTimestamp"], reverse=True)
    return lambda_svc.json_response({"DurableExecutions": found})


# --- Driving an execution --------------------------------------------------------------------------------------------

_wake_ups: dict[str, threading.Condition] = {}


def _wake(arn: str) -> None:
    condition = _wake_ups.get(arn)
    if condition:
        with condition:
            condition.notify_all()


def _start(execution: dict, function: dict, when_ended=None) -> None:
    context = contextvars.copy_context()
    _wake_ups[execution["DurableExecutionArn"]] = threading.Condition()
    threading.Thread(target=lambda: context.run(_drive, execution, function, when_ended), daemon=True).start()


def _drive(execution: dict, function: dict, when_ended) -> None:
    arn = execution["DurableExecutionArn"]
    pause, longest = CRASH_PAUSE_SECONDS
    try:
        while execution["Status"] == "RUNNING":
            if faults.region_gone(parse_arn(arn).region):
                time.sleep(POLL_SECONDS)
                continue
            if faults.matching("execution-times-out", execution["FunctionArn"]):
                # At once: nobody has to wait for the hours of its time-out.
                lambda_durable._time_out_execution(execution)
                break
            _settle(execution)
            answered, checkpoints = _answered(execution), execution.get("_Checkpoints")
            answer = _invoke_once(execution, function)
            if answer.get("Status") == "SUCCEEDED":
                lambda_durable.mark_execution_completed(arn, answer.get("Result"), None)
            elif answer.get("Status") == "FAILED":
                error = answer.get("Error") or {"ErrorType": "Error", "ErrorMessage": "no error was given"}
                lambda_durable.mark_execution_completed(arn, None, error)
            elif answer.get("Status") == "PENDING":
                _wait_until_due(execution, answered)
            else:
                if execution.get("_Checkpoints") != checkpoints:
                    pause, _ = CRASH_PAUSE_SECONDS
                _wait_until_due(execution, answered, at_most=pause)
                pause = min(pause * 2, longest)
    finally:
        _wake_ups.pop(arn, None)
        function_metrics.execution_ended(execution)
        if when_ended:
            when_ended(execution)


def _invoke_once(execution: dict, function: dict) -> dict:
    """One invocation of the function: it replays what is done and goes on. {} if it crashed or timed out."""
    arn, token, began = execution["DurableExecutionArn"], lambda_durable.new_checkpoint_token(), time.time()
    execution["CheckpointToken"] = token
    operations = lambda_durable._serialize_operations(execution["Operations"], for_event=True)
    event = {
        "DurableExecutionArn": arn,
        "CheckpointToken": token,
        "InitialExecutionState": {"Operations": operations, "NextMarker": ""},
    }
    lambda_svc._durable_ctx.set({"arn": arn, "token": token, "name": execution["DurableExecutionName"]})
    try:
        result = lambda_svc._execute_function(function, event)
    finally:
        lambda_svc._durable_ctx.set(None)
    failed = result.get("error")
    lambda_durable.record_invocation_completed(
        arn, began, lambda_svc.new_uuid(), error=result.get("body") if failed else None
    )
    body = result.get("body")
    if isinstance(body, str | bytes | bytearray):
        try:
            body = json.loads(body)
        except ValueError:
            body = None
    return body if isinstance(body, dict) and not failed else {}


def _wait_until_due(execution: dict, answered: set[str], at_most: float | None = None) -> None:
    condition = _wake_ups[execution["DurableExecutionArn"]]
    give_up = None if at_most is None else time.time() + at_most
    while execution["Status"] == "RUNNING":
        now = time.time()
        deadline = execution.get("_TimeoutDeadline")
        if deadline and now >= deadline:
            lambda_durable._time_out_execution(execution)
            return
        if give_up and now >= give_up:
            return
        with condition:
            changed, upcoming = _settle(execution)
            if give_up is None and (changed or _answered(execution) - answered):
                return
            moments = [moment - now for moment in (upcoming, deadline, give_up) if moment]
            condition.wait(max(0.01, min([POLL_SECONDS, *moments])))


# --- Entries: the API, other services, other durable functions -------------------------------------------------------


def is_durable(record: dict | None) -> bool:
    return bool(((record or {}).get("config") or {}).get("DurableConfig", {}).get("Enabled"))


def _install_entries() -> None:
    _invoke, _invoke_async, _fire = (
        lambda_svc._invoke,
        lambda_svc.invoke_async_with_retry,
        lambda_durable._fire_chained_invoke,
    )

    async def invoke(name, event, headers, path_qualifier=None, query_params=None):
        head = {key.lower(): value for key, value in headers.items()}
        if not is_durable(lambda_svc._functions.get(name)) or head.get("x-amz-invocation-type") == "DryRun":
            return await _invoke(name, event, headers, path_qualifier, query_params)
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier")
        return await _invoke_durable(name, qualifier, event, head)

    def invoke_async(function, event):
        if not is_durable(function):
            return _invoke_async(function, event)
        if not _qualifier(function["config"]["FunctionArn"]):
            raise ValueError(UNQUALIFIED)
        config = function["config"]
        name = config["FunctionName"]
        if _dropped(name):
            return
        execution = _create(name, config.get("Version", "$LATEST"), config, event, None)
        _start(execution, function, _to_dead_letter_target(config))

    def dispatch_from_event_bus(arn, payload):
        """As AWS does: an asynchronous invocation, retried, with its failure sent on."""
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            lambda_svc.logger.warning("EventBridge: function %s not found", name)
            return
        record = lambda_svc._execution_record_for_config(function, {**config, "FunctionArn": arn})
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    def fire(parent, operation_id, options, payload):
        name, qualifier = _split(options.get("FunctionName", ""))
        function = lambda_svc._functions.get(name)
        caller = lambda_svc._functions[lambda_svc._resolve_name(parent["FunctionArn"])]["config"]
        invoked = f"{lambda_svc._func_arn(name)}:{qualifier}" if qualifier else lambda_svc._func_arn(name)
        denial = permissions.refusal_of_function(caller, permissions.Check("lambda:InvokeFunction", invoked))
        if denial is not None:
            error = {"ErrorType": "AccessDeniedException", "ErrorMessage": denial, "StackTrace": []}
            return lambda_durable._append_chained_result(parent, operation_id, False, None, error)
        if not is_durable(function):
            return _fire(parent, operation_id, {**options, "FunctionName": name}, payload)
        record, version = _version(function, qualifier)
        child = _create(name, version, record["config"], json.loads(payload or "{}"), None)

        def when_ended(execution):
            error = execution.get("Error") or {"ErrorType": execution["Status"], "ErrorMessage": execution["Status"]}
            succeeded = execution["Status"] == "SUCCEEDED"
            lambda_durable._append_chained_result(
                parent, operation_id, succeeded, execution.get("Result"), None if succeeded else error
            )

        _start(child, record, when_ended)

    lambda_svc._invoke = invoke
    lambda_svc.invoke_async_with_retry = invoke_async
    eventbridge._dispatch_to_lambda = dispatch_from_event_bus
    lambda_durable._fire_chained_invoke = fire
    _refuse_destinations()


async def _invoke_durable(name: str, qualifier: str | None, event, head: dict):
    if not qualifier:
        return lambda_svc.error_response_json("InvalidParameterValueException", UNQUALIFIED, 400)
    record, version = _version(lambda_svc._functions.get(name), qualifier)
    if record is None:
        text = f"Function not found: {lambda_svc._func_arn(name)}:{qualifier}"
        return lambda_svc.error_response_json("ResourceNotFoundException", text, 404)
    wanted = head.get("x-amz-durable-execution-name")
    asynchronous = head.get("x-amz-invocation-type") == "Event"
    if asynchronous and _dropped(name):
        return 202, {"Content-Type": "application/json", "X-Amz-Executed-Version": version}, b""

    execution = _named(name, wanted) if wanted else None
    if execution and execution["InputPayload"] != json.dumps(event):
        text = f"Execution name already used with another payload: {wanted}"
        return lambda_svc.error_response_json("DurableExecutionAlreadyStartedException", text, 409)
    if not execution:
        execution = _create(name, version, record["config"], event, wanted)
        _start(execution, record, _to_dead_letter_target(record["config"]) if asynchronous else None)

    answer = {
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": version,
        "X-Amz-Durable-Execution-Arn": execution["DurableExecutionArn"],
    }
    if asynchronous:
        return 202, answer, b""
    while execution["Status"] == "RUNNING":
        await asyncio.sleep(0.02)
    if execution["Status"] == "SUCCEEDED":
        return 200, answer, (execution.get("Result") or "null").encode()
    error = execution.get("Error") or {}
    body = {
        "errorType": error.get("ErrorType", execution["Status"]),
        "errorMessage": error.get("ErrorMessage", execution["Status"]),
    }
    return 200, {**answer, "X-Amz-Function-Error": "Unhandled"}, json.dumps(body).encode()


def _dropped(name: str) -> bool:
    """Of an event that waited in Lambda's queue until it was too old: it never becomes an execution."""
    if not faults.matching("event-dropped", name):
        return False
    function_metrics.count("AsyncEventsDropped", name)
    return True


def _create(name: str, version: str, config: dict, event, execution_name: str | None) -> dict:
    return lambda_durable.create_execution_for_invoke(
        lambda_svc._func_arn(name),
        version,
        json.dumps(event),
        name=execution_name,
        execution_timeout=config["DurableConfig"].get("ExecutionTimeout"),
    )


def _named(function_name: str, execution_name: str) -> dict | None:
    function_arn = lambda_svc._func_arn(function_name)
    return next(
        (
            execution
            for execution in lambda_durable._executions.values()
            if execution["DurableExecutionName"] == execution_name and execution["FunctionArn"] == function_arn
        ),
        None,
    )


def _version(function: dict | None, qualifier: str | None) -> tuple[dict | None, str]:
    if not function or not qualifier or qualifier == "$LATEST":
        return function, "$LATEST"
    number = (function.get("aliases", {}).get(qualifier) or {}).get("FunctionVersion", qualifier)
    return (function, number) if number == "$LATEST" else (function["versions"].get(number), number)


def _split(reference: str) -> tuple[str, str | None]:
    """`name`, `name:qualifier` or an ARN, as name and qualifier."""
    if reference.startswith("arn:"):
        return lambda_svc._resolve_name(":".join(reference.split(":")[:7])), _qualifier(reference)
    name, _, qualifier = reference.partition(":")
    return name, qualifier or None


def _qualifier(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else None


def _to_dead_letter_target(config: dict):
    target = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if not target:
        return None

    def send(execution: dict) -> None:
        if execution["Status"] == "SUCCEEDED":
            return
        error = (execution.get("Error") or {}).get("ErrorMessage") or execution["Status"]
        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (("RequestID", new_uuid()), ("ErrorCode", "200"), ("ErrorMessage", error[:1024]))
        }
        if parse_arn(target).service == "sns":
            sns._fanout(target, new_uuid(), execution["InputPayload"], "", "", attributes)
        else:
            lambda_svc._route_async_failure(
                target,
                config["FunctionName"],
                json.loads(execution["InputPayload"]),
                {"body": {"errorMessage": error}},
            )

    return send


def _refuse_destinations() -> None:
    handler = handlers["AWS::Lambda::EventInvokeConfig"]
    create = handler["create"]

    def creating(logical_id, props, stack_name):
        name = str(props.get("FunctionName", "")).split(":function:")[-1].split(":")[0]
        if props.get("DestinationConfig") and is_durable(lambda_svc._functions.get(name)):
            raise ValueError(
                f"{name} is a durable function: it has no destinations; use its DeadLetterConfig instead"
            )
        return create(logical_id, props, stack_name)

    handler["create"] = creating
