"""CloudWatch alarms as the service evaluates them: all the time, and not only when somebody puts data; over the metric with the
alarm's dimensions alone; with what `TreatMissingData` says where there are none.

Of the evaluation range (CloudWatch looks at more periods than it was asked for where some lack data) there is nothing: a
period without data is missing.
"""

import threading
import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from . import settings

# How long a second of an alarm's period is here.
SECOND = settings.DURATIONS["alarmSecond"]
PAUSE_SECONDS = 0.2
RECENT_SECONDS = 60.0

_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

# Data arrive while the thread looks.
_lock = threading.Lock()


def install() -> None:
    record, store = cloudwatch.record_metric, cloudwatch._store_datum

    def recording(*datum, **more):
        record(*datum, **more)
        cloudwatch._evaluate_all_alarms()

    def storing(namespace, name, dimensions, timestamp, *rest):
        # Periods shrink, and what functions do before they put a datum does not: it counts from when it arrives.
        recent = SECOND < 1 and time.time() - timestamp < RECENT_SECONDS
        store(namespace, name, dimensions, time.time() if recent else timestamp, *rest)

    cloudwatch.record_metric = recording
    cloudwatch._store_datum = storing
    cloudwatch._evaluate_alarm = _evaluate
    threading.Thread(target=_evaluate_always, daemon=True).start()


def _evaluate_always() -> None:
    while True:
        time.sleep(PAUSE_SECONDS)
        for (account, region, _), alarm in list(cloudwatch._alarms._data.items()):
            with request_scope(account, region):
                try:
                    _evaluate(alarm)
                except Exception:
                    cloudwatch.logger.exception("alarm %s could not be evaluated", alarm.get("AlarmName"))


def _evaluate(alarm: dict) -> None:
    if not alarm.get("MetricName") or alarm.get("ComparisonOperator") not in _COMPARISONS:
        return
    with _lock:
        new_state, reason = _state(alarm, time.time())
        old_state = alarm["StateValue"]
        if new_state == old_state:
            return
        alarm.update(StateValue=new_state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cloudwatch._record_history(alarm["AlarmName"], old_state, new_state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old_state, new_state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _state(alarm: dict, now: float) -> tuple[str, str]:
    """The state that the periods up to now give, with its reason."""
    values = _values(alarm, now)
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    missing = alarm.get("TreatMissingData") or "missing"
    filled = {"breaching": [True], "notBreaching": [False]}.get(missing, [])
    found = [breaches(value, alarm["Threshold"]) for value in values if value is not None]
    found += filled * values.count(None)
    if not found:
        return (alarm["StateValue"] if missing == "ignore" else "INSUFFICIENT_DATA"), "Insufficient Data"
    enough = int(alarm.get("DatapointsToAlarm") or len(values))
    reason = f"Threshold {alarm['Threshold']}: {found.count(True)} of {len(values)} datapoints breach it: {values}"
    return ("ALARM" if found.count(True) >= enough else "OK"), reason


def _values(alarm: dict, now: float) -> list[float | None]:
    """The statistic of each period, the newest first; None where there are no data."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = list(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or [])
    period = alarm["Period"] * SECOND
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    values = []
    for index in range(int(alarm["EvaluationPeriods"])):
        end = now - index * period
        within = [point for point in points if end - period < point["Timestamp"] <= end]
        values.append(cloudwatch._stat_value(cloudwatch._calc_stats(within), statistic, within) if within else None)
    return values
