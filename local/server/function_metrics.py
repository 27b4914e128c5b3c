"""What Lambda and CloudWatch Logs count, beside what MiniStack counts (invocations, errors, throttles, durations): how
executions of durable functions ended, events that never ran, and lines of logs that a metric filter looks for."""

import json

from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

ENDED = {
    "SUCCEEDED": "DurableExecutionSucceeded",
    "FAILED": "DurableExecutionFailed",
    "TIMED_OUT": "DurableExecutionTimedOut",
    "STOPPED": "DurableExecutionStopped",
}


def install() -> None:
    emit_logs = lambda_svc._emit_lambda_logs

    def emitting(function, request_id, log_text, *rest, **named):
        emit_logs(function, request_id, log_text, *rest, **named)
        config = function.get("config") or function
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        _count_lines(group, (log_text or "").splitlines())

    lambda_svc._emit_lambda_logs = emitting


def execution_ended(execution: dict) -> None:
    if metric := ENDED.get(execution["Status"]):
        count(metric, execution["FunctionArn"].split(":")[6])


def count(metric: str, function_name: str) -> None:
    cloudwatch.record_metric("AWS/Lambda", metric, 1, "Count", {"FunctionName": function_name})


def _count_lines(group: str, lines: list[str]) -> None:
    """Of filters only those that look for one text in quotes, without dimensions: ours are."""
    for (of_group, _), metric_filter in list(cloudwatch_logs._metric_filters.items()):
        if of_group != group:
            continue
        text = json.loads(metric_filter["filterPattern"])
        found = sum(text in line for line in lines)
        for transformation in metric_filter["metricTransformations"] if found else []:
            namespace, name = transformation["metricNamespace"], transformation["metricName"]
            cloudwatch.record_metric(namespace, name, found * float(transformation["metricValue"]))
