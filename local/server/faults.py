"""What was made to go wrong, through the control API (control.py)."""

import threading

# Each with what it needs beside `match`; the rest of _MORE may be given.
KINDS = {
    "region-gone": (),
    "call-throttled": ("times",),
    "call-fails": ("code",),
    "call-hangs": (),
    "call-slow": ("seconds",),
    "backup-job-fails": (),
    "backup-job-hangs": (),
    "copy-job-fails": (),
    "copy-job-hangs": (),
    "restore-job-fails": (),
    "restore-job-hangs": (),
    "restore-job-slow": ("seconds",),
    "restore-job-damages": ("database", "message"),
    "instance-quota-reached": (),
    "function-fails": (),
    "function-times-out": (),
    "function-answers": ("message",),
    "function-killed": (),
    "execution-times-out": (),
    "event-dropped": (),
    "permission-withheld": (),
    "replication-fails": (),
    "replication-paused": (),
    "automated-backup-replication-paused": (),
    "automated-backup-damaged": (),
}
_MORE = {"message", "times", "seconds", "code", "database"}

_lock = threading.Lock()
_faults: list[dict] = []
_listeners: list = []


def add(kind: str, match: str, **more) -> None:
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(sorted(KINDS))}, got {kind}")
    if not match:
        raise ValueError("`match` must be a part of an ARN, a bucket and key, or a Region, got nothing")
    if missing := [name for name in KINDS[kind] if more.get(name) is None]:
        raise ValueError(f"{kind} needs `{'`, `'.join(missing)}`")
    if unknown := sorted(more.keys() - _MORE):
        raise ValueError(f"a fault has no `{'`, `'.join(unknown)}`")
    if "times" in more and not (isinstance(more["times"], int) and more["times"] > 0):
        raise ValueError(f"`times` must be a whole number above 0, got {more['times']}")
    with _lock:
        _faults.append({"kind": kind, "match": match, **more})
    if kind == "region-gone":
        for listener in _listeners:
            listener(match)


def clear() -> None:
    with _lock:
        _faults.clear()


def any_of(*kinds: str) -> bool:
    with _lock:
        return any(fault["kind"] in kinds for fault in _faults)


def matching(kind: str, subject: str) -> dict | None:
    """The first fault of this kind whose `match` is contained in the subject. One that has `times` is used up by it."""
    with _lock:
        fault = next((f for f in _faults if f["kind"] == kind and f["match"] in subject), None)
        if fault and "times" in fault:
            fault["times"] -= 1
            if fault["times"] == 0:
                _faults.remove(fault)
        return fault


def region_gone(region: str) -> bool:
    """Whole names only: `us-east-1` is not `us-east-10`."""
    with _lock:
        return any(f["kind"] == "region-gone" and f["match"] == region for f in _faults)


def when_region_goes(listener) -> None:
    """Calls `listener(region)` each time that a Region is made to go."""
    _listeners.append(listener)
