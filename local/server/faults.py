"""What was made to go wrong, through the control API (control.py)."""

import threading

KINDS = {
    "region-gone",
    "backup-job-fails",
    "copy-job-fails",
    "restore-job-fails",
    "replication-fails",
    "replication-paused",
    "automated-backup-replication-paused",
    "automated-backup-damaged",
}

_lock = threading.Lock()
_faults: list[dict] = []
_listeners: list = []


def add(kind: str, match: str, message: str | None = None) -> None:
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(sorted(KINDS))}, got {kind}")
    if not match:
        raise ValueError("`match` must be a part of an ARN, a bucket and key, or a Region, got nothing")
    with _lock:
        _faults.append({"kind": kind, "match": match, "message": message})
    if kind == "region-gone":
        for listener in _listeners:
            listener(match)


def clear() -> None:
    with _lock:
        _faults.clear()


def matching(kind: str, subject: str) -> dict | None:
    """The first fault of this kind whose `match` is contained in the subject."""
    with _lock:
        return next((f for f in _faults if f["kind"] == kind and f["match"] in subject), None)


def region_gone(region: str) -> bool:
    """Whole names only: `us-east-1` is not `us-east-10`."""
    with _lock:
        return any(f["kind"] == "region-gone" and f["match"] == region for f in _faults)


def when_region_goes(listener) -> None:
    """Calls `listener(region)` each time that a Region is made to go."""
    _listeners.append(listener)
