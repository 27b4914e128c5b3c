"""AWS Backup with jobs that take their time and really back up, copy and restore.

Jobs go through the documented states, one backup job and one copy job at a time per resource (the others wait in state
CREATED). A job that fails leaves nothing behind. Copies belong to the Region of their vault alone: they outlive the loss of
the Region they came from. Rules of backup plans do not run by themselves.
"""

import contextlib
import json
import logging
import threading
import time
from collections import defaultdict
from datetime import datetime, timezone

from ministack.core import iam_evaluator
from ministack.core.concurrency import spawn_background
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid, request_scope
from ministack.services import backup, iam

from . import backup_plans, backup_points, backup_vaults, events, faults, settings
from .backup_points import current_time, find_point, find_vault, new_point, page, recovery_points, set_expiry
from .backup_resources import ResourceError, check_restore_metadata, kind_of
from .backup_router import BackupError, Router

logger = logging.getLogger("local-aws.backup")

_POLL_SECONDS = 0.05

# Jobs by their ID; each belongs to the Region that it was started in.
_backup_jobs = AccountRegionScopedDict()
_copy_jobs = AccountRegionScopedDict()
_restore_jobs = AccountRegionScopedDict()

# One lock per kind of job and resource: "one backup job and one copy job at a time per resource" (FACTS.md).
_queues: dict = defaultdict(threading.Lock)


# --- Backup jobs ------------------------------------------------------------------------------------------------------


def _start_backup_job(p):
    if job := _same_request(_backup_jobs, p):
        return _backup_job_started(job)
    vault = find_vault(p["BackupVaultName"])
    kind = kind_of(p["ResourceArn"])
    resource = kind.find(p["ResourceArn"])
    if resource is None:
        raise BackupError("ResourceNotFoundException", f"Resource {p['ResourceArn']} does not exist in {get_region()}.")
    job_id, now = new_uuid().upper(), current_time()
    job = {
        "AccountId": get_account_id(),
        "BackupJobId": job_id,
        "BackupVaultName": vault["BackupVaultName"],
        "BackupVaultArn": vault["BackupVaultArn"],
        "RecoveryPointLifecycle": p.get("Lifecycle"),
        "ResourceArn": p["ResourceArn"],
        "ResourceType": kind.resource_type,
        "ResourceName": p["ResourceArn"].split(":")[-1].split("/")[-1],
        "IamRoleArn": p["IamRoleArn"],
        "CreationDate": now,
        "InitiationDate": now,
        "StartBy": now + 60 * p.get("StartWindowMinutes", 8 * 60),
        "State": "CREATED",
        "PercentDone": "0.0",
        "BytesTransferred": 0,
        "BackupOptions": p.get("BackupOptions"),
        "IsParent": False,
        "_token": p.get("IdempotencyToken"),
        "_request": p,
    }
    arn = kind.recovery_point_arn(get_region(), job_id, "job")
    if kind.resource_type == "EFS":
        # Only kinds that AWS Backup fully manages know it from the start.
        job["RecoveryPointArn"] = arn
    _backup_jobs[job_id] = job
    point = new_point(vault, arn, job, p.get("Lifecycle")) | {
        "CreationDate": now,
        "InitiationDate": now,
        "IsEncrypted": kind.is_encrypted(resource),
        "_tags": {**p.get("RecoveryPointTags", {})},
    }
    _run(_BACKUP, job, lambda: _back_up(kind, job, point))
    return _backup_job_started(job)


def _back_up(kind, job, point):
    _check_role(job["IamRoleArn"])
    _check_retention(find_vault(job["BackupVaultName"]), point)
    recovery_points[(job["BackupVaultName"], point["RecoveryPointArn"])] = point

    def undo():
        recovery_points.pop((job["BackupVaultName"], point["RecoveryPointArn"]), None)
        kind.delete(point)

    with _undone_on_failure(undo):
        with _taking(settings.DURATIONS["backupSeconds"]):
            _check_fault("backup-job-fails", job["ResourceArn"])
            resource = kind.find(job["ResourceArn"])
            if resource is None:
                raise ResourceError(f"Resource {job['ResourceArn']} does not exist anymore.")
            kind.back_up(resource, point)
        _hang("backup-job-hangs", job["ResourceArn"], lambda: job.get("_stopping") or faults.region_gone(get_region()))
        _check_region(get_region())
        _check_not_stopped(job)
    point |= {"Status": "COMPLETED", "CompletionDate": current_time()}
    job |= {
        "RecoveryPointArn": point["RecoveryPointArn"],
        "BackupSizeInBytes": point["BackupSizeInBytes"],
        "BytesTransferred": point["BackupSizeInBytes"],
        "IsEncrypted": point["IsEncrypted"],
        "EncryptionKeyArn": point["EncryptionKeyArn"],
    }


def _backup_job_started(job):
    arn = job.get("RecoveryPointArn") if job["ResourceType"] == "EFS" else None
    return {
        "BackupJobId": job["BackupJobId"],
        "RecoveryPointArn": arn,
        "CreationDate": job["CreationDate"],
        "IsParent": False,
    }


def _stop_backup_job(p):
    job = _found(_backup_jobs, p["BackupJobId"], "Backup job")
    if job["State"] not in ("CREATED", "PENDING", "RUNNING"):
        raise BackupError(
            "InvalidRequestException", f"Backup job {job['BackupJobId']} is {job['State']} and cannot be stopped."
        )
    job |= {"State": "ABORTING", "_stopping": True}


def _check_not_stopped(job):
    if job.get("_stopping"):
        raise _Stopped()


# --- Copy jobs --------------------------------------------------------------------------------------------------------


def _start_copy_job(p):
    if job := _same_request(_copy_jobs, p):
        return _copy_job_started(job)
    vault = find_vault(p["SourceBackupVaultName"])
    source = find_point(p["SourceBackupVaultName"], p["RecoveryPointArn"])
    if source["Status"] != "COMPLETED":
        raise BackupError(
            "InvalidRequestException", f"Recovery point {p['RecoveryPointArn']} is {source['Status']}, not COMPLETED."
        )
    region, account, name = _parse_vault_arn(p["DestinationBackupVaultArn"])
    with request_scope(account, region):
        destination = find_vault(name)
    if account != get_account_id() and not _lets_copy_into(destination, p["IamRoleArn"]):
        raise BackupError(
            "AccessDeniedException",
            f"The policy of {destination['BackupVaultArn']} does not let {get_account_id()} copy into it.",
        )
    job_id = new_uuid().upper()
    job = {
        "AccountId": get_account_id(),
        "CopyJobId": job_id,
        "SourceBackupVaultArn": vault["BackupVaultArn"],
        "SourceRecoveryPointArn": source["RecoveryPointArn"],
        "DestinationBackupVaultArn": destination["BackupVaultArn"],
        "DestinationRecoveryPointLifecycle": p.get("Lifecycle"),
        "ResourceArn": source["ResourceArn"],
        "ResourceType": source["ResourceType"],
        "ResourceName": source.get("ResourceName"),
        "BackupSizeInBytes": source["BackupSizeInBytes"],
        "IamRoleArn": p["IamRoleArn"],
        "CreationDate": current_time(),
        "State": "CREATED",
        "IsParent": False,
        "_token": p.get("IdempotencyToken"),
        "_request": p,
    }
    _copy_jobs[job_id] = job
    kind = kind_of(source["ResourceArn"])
    lifecycle = p.get("Lifecycle")
    if not lifecycle or lifecycle.get("DeleteAfterDays") == -1:
        # A copy kept "never" keeps the source's expiry.
        lifecycle = source.get("Lifecycle")
    with request_scope(account, region):
        arn = kind.recovery_point_arn(region, job_id, "copyjob")
    point = new_point(destination, arn, job, lifecycle) | {
        # "Copies retain their source configuration, including creation dates": the moment that the data is from.
        "CreationDate": source["CreationDate"],
        "InitiationDate": source["InitiationDate"],
        "IsEncrypted": source["IsEncrypted"],
        "SourceBackupVaultArn": source.get("SourceBackupVaultArn") or vault["BackupVaultArn"],
        "BackupSizeInBytes": source["BackupSizeInBytes"],
        "_tags": dict(source["_tags"]),
    }
    set_expiry(point)
    _run(_COPY, job, lambda: _copy(kind, job, source, point, account, region))
    return _copy_job_started(job)


def _lets_copy_into(vault: dict, role: str) -> bool:
    """Whether the policy of a vault lets a role of another account copy into it."""
    ctx = iam_evaluator.EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action="backup:CopyIntoBackupVault",
        resource_arn=vault["BackupVaultArn"],
        region=get_region(),
        secure_transport=True,
    )
    policy = vault.get("AccessPolicy")
    return bool(policy) and iam_evaluator.evaluate_resource_policy(policy, ctx).decision == "Allow"


def _copy(kind, job, source, point, account, region):
    _check_role(job["IamRoleArn"])
    key = (point["BackupVaultName"], point["RecoveryPointArn"])
    with request_scope(account, region):
        _check_retention(find_vault(point["BackupVaultName"]), point)

    def undo():
        recovery_points.pop_scoped(account, region, key, None)
        with request_scope(account, region):
            kind.delete(point)

    with _undone_on_failure(undo):
        with _taking(settings.DURATIONS["copySeconds"]):
            subject = " ".join((job["ResourceArn"], source["RecoveryPointArn"], job["DestinationBackupVaultArn"]))
            _check_fault("copy-job-fails", subject)
            recovery_points.set_scoped(account, region, key, point)
            with request_scope(account, get_region()):
                kind.copy(source, point, region)
        _hang("copy-job-hangs", subject, lambda: faults.region_gone(get_region()) or faults.region_gone(region))
        # Both must be there until the end.
        _check_region(get_region())
        _check_region(region)
        if recovery_points.get((_vault_name(job["SourceBackupVaultArn"]), source["RecoveryPointArn"])) is None:
            raise ResourceError(f"Source recovery point {source['RecoveryPointArn']} was deleted meanwhile.")
    point |= {"Status": "COMPLETED", "CompletionDate": current_time()}
    job |= {"DestinationRecoveryPointArn": point["RecoveryPointArn"]}


def _copy_job_started(job):
    return {"CopyJobId": job["CopyJobId"], "CreationDate": job["CreationDate"], "IsParent": False}


# --- Restore jobs -----------------------------------------------------------------------------------------------------


def start_restore_job(p, **more):
    """@param more: what AWS Backup notes of a job that it started by itself"""
    if job := _same_request(_restore_jobs, p):
        return {"RestoreJobId": job["RestoreJobId"]}
    point = next((point for (_, arn), point in recovery_points.items() if arn == p["RecoveryPointArn"]), None)
    if point is None:
        raise BackupError(
            "ResourceNotFoundException", f"Recovery point {p['RecoveryPointArn']} does not exist in {get_region()}."
        )
    if point["Status"] != "COMPLETED":
        raise BackupError(
            "InvalidRequestException", f"Recovery point {p['RecoveryPointArn']} is {point['Status']}, not COMPLETED."
        )
    if not p.get("IamRoleArn"):
        raise BackupError("MissingParameterValueException", "IamRoleArn must be given to restore this resource type.")
    if p.get("ResourceType", point["ResourceType"]) != point["ResourceType"]:
        raise BackupError(
            "InvalidParameterValueException",
            f"ResourceType must be {point['ResourceType']}, that of the recovery point, got {p['ResourceType']}.",
        )
    kind = kind_of(point["ResourceArn"])
    check_restore_metadata(kind, p["Metadata"])
    job_id = new_uuid().upper()
    job = {
        "AccountId": get_account_id(),
        "RestoreJobId": job_id,
        "RecoveryPointArn": point["RecoveryPointArn"],
        "SourceResourceArn": point["ResourceArn"],
        "BackupVaultArn": point["BackupVaultArn"],
        "CreationDate": current_time(),
        "Status": "PENDING",
        "PercentDone": "0.00%",
        "BackupSizeInBytes": point["BackupSizeInBytes"],
        "IamRoleArn": p["IamRoleArn"],
        "ResourceType": point["ResourceType"],
        "RecoveryPointCreationDate": point["CreationDate"],
        "IsParent": False,
        "_token": p.get("IdempotencyToken"),
        "_request": p,
        "_metadata": p["Metadata"],
        **more,
    }
    _restore_jobs[job_id] = job
    # The tags as they were at the time of the backup: the source may be gone.
    tags = point["_source_tags"] if p.get("CopySourceTagsToRestoredResource") else {}
    _run(_RESTORE, job, lambda: _restore(kind, job, point, tags))
    return {"RestoreJobId": job_id}


def _restore(kind, job, point, tags):
    _check_role(job["IamRoleArn"])
    with _taking(settings.DURATIONS["restoreSeconds"]):
        subject = f"{point['RecoveryPointArn']} {point['ResourceArn']}"
        _check_fault("restore-job-fails", subject)
        _hang("restore-job-hangs", subject, lambda: faults.region_gone(get_region()))
        if fault := faults.matching("restore-job-slow", subject):
            time.sleep(fault["seconds"])
        if point not in recovery_points.values():
            raise ResourceError(f"Recovery point {point['RecoveryPointArn']} was deleted meanwhile.")
        job["CreatedResourceArn"] = kind.restore(point, job["_metadata"], tags)
        if fault := faults.matching("restore-job-damages", subject):
            kind.damage(job["CreatedResourceArn"], fault["database"], fault["message"])
    point["LastRestoreTime"] = current_time()


def restore_job(job_id: str) -> dict:
    return _restore_jobs[job_id]


def _get_restore_job_metadata(p):
    job = _found(_restore_jobs, p["RestoreJobId"], "Restore job")
    return {"RestoreJobId": job["RestoreJobId"], "Metadata": job["_metadata"]}


def _put_restore_validation_result(p):
    job = _found(_restore_jobs, p["RestoreJobId"], "Restore job")
    if job["Status"] != "COMPLETED" or "ValidationStatus" in job:
        raise BackupError(
            "InvalidRequestException", f"Restore job {p['RestoreJobId']} takes one validation result, once COMPLETED."
        )
    job |= {"ValidationStatus": p["ValidationStatus"], "ValidationStatusMessage": p.get("ValidationStatusMessage")}


# --- How a job goes ---------------------------------------------------------------------------------------------------


class _Stopped(Exception):
    """StopBackupJob came in between."""


class _JobKind:
    def __init__(self, name: str, state: str, resource: str, percent: str, detail):
        self.name = name
        self.state = state
        self.resource = resource
        self.percent = percent
        self.detail = detail

    def enter(self, job: dict, state: str, **more) -> None:
        """The job is in a new state, and an event says so."""
        job |= {**more, self.state: state}
        recovery_point = job.get("RecoveryPointArn") or job.get("SourceRecoveryPointArn")
        detail = {
            name[0].lower() + name[1:]: _event_value(name, value)
            for name, value in {**job, **self.detail(job)}.items()
            if value is not None and not name.startswith("_")
        }
        try:
            resources = [recovery_point] if recovery_point else []
            events.put("aws.backup", f"{self.name} Job State Change", detail, resources, get_region())
        except Exception:
            logger.exception("The event of a %s job was lost", self.name.lower())


_BACKUP = _JobKind("Backup", "State", "ResourceArn", "100.0", lambda job: {"PercentDone": float(job["PercentDone"])})
_COPY = _JobKind("Copy", "State", "ResourceArn", "100.0", lambda job: {})
_RESTORE = _JobKind(
    "Restore",
    "Status",
    "RecoveryPointArn",
    "100.00%",
    lambda job: {"PercentDone": float(job["PercentDone"].rstrip("%"))},
)


def _run(kind: _JobKind, job: dict, work) -> None:
    """Does the job's work in the background, and records how it ended."""
    kind.enter(job, job[kind.state])

    def run():
        # Restores run side by side on AWS.
        queue = contextlib.nullcontext() if kind is _RESTORE else _queues[(kind.name, job[kind.resource])]
        with queue:
            try:
                if kind is _BACKUP:
                    _check_not_stopped(job)
                kind.enter(job, "RUNNING")
                work()
            except _Stopped:
                kind.enter(job, "ABORTED", CompletionDate=current_time(), StatusMessage="The job was stopped.")
            except Exception as error:
                if not isinstance(error, (ResourceError, BackupError)):
                    logger.exception("A %s job failed", kind.name.lower())
                job.pop("CreatedResourceArn", None)
                kind.enter(job, "FAILED", CompletionDate=current_time(), StatusMessage=str(error))
                logger.info("%s job of %s FAILED: %s", kind.name, job[kind.resource], error)
            else:
                percent = {} if kind is _COPY else {"PercentDone": kind.percent}
                kind.enter(job, "COMPLETED", CompletionDate=current_time(), **percent)
                logger.info("%s job of %s COMPLETED", kind.name, job[kind.resource])

    spawn_background(run, thread_name=f"{kind.name.lower()} job")


@contextlib.contextmanager
def _taking(seconds: float):
    """What happens inside takes at least this long."""
    end = time.monotonic() + seconds
    yield
    time.sleep(max(0.0, end - time.monotonic()))


@contextlib.contextmanager
def _undone_on_failure(undo):
    try:
        yield
    except BaseException:
        undo()
        raise


def _check_fault(kind: str, subject: str) -> None:
    if fault := faults.matching(kind, subject):
        raise ResourceError(fault.get("message") or f"The local AWS was told to let this job fail ({kind}).")


def _hang(kind: str, subject: str, ends) -> None:
    """Until the faults are cleared, or what ends a job in any case."""
    while faults.matching(kind, subject) and not ends():
        time.sleep(_POLL_SECONDS)


def _check_region(region: str) -> None:
    if faults.region_gone(region):
        raise ResourceError(f"Region {region} is not available.")


def _check_role(arn: str) -> None:
    """AWS Backup works as the role, so it must exist and trust the service."""
    role = iam._roles.get(arn.rsplit("/", 1)[-1])
    if role is None or role.get("Arn", arn) != arn:
        raise ResourceError(f"IAM Role {arn} does not exist.")
    if "backup.amazonaws.com" not in json.dumps(role["AssumeRolePolicyDocument"]):
        raise ResourceError(f"IAM Role {arn} cannot be assumed by AWS Backup.")


def _check_retention(vault: dict, point: dict) -> None:
    days = (point.get("Lifecycle") or {}).get("DeleteAfterDays")
    low, high = vault.get("MinRetentionDays"), vault.get("MaxRetentionDays")
    if (low and days and days < low) or (high and (not days or days > high)):
        raise ResourceError(
            f"Retention settings of the recovery point ({f'{days} days' if days else 'always'}) do not comply with the lock of "
            f"vault {vault['BackupVaultName']} (from {low or 1} to {high or 36500} days)."
        )


# --- Parts ------------------------------------------------------------------------------------------------------------


def _describe(jobs, key: str, what: str):
    return lambda p: dict(_found(jobs, p[key], what))


def _list(jobs, name: str):
    return lambda p: page(jobs.values(), p, name)


def _list_restore_jobs_by_resource(p):
    jobs = [job for job in _restore_jobs.values() if job["SourceResourceArn"] == p["ResourceArn"]]
    return page(jobs, p, "RestoreJobs")


def _found(jobs, job_id: str, what: str) -> dict:
    job = jobs.get(job_id)
    if job is None:
        raise BackupError("ResourceNotFoundException", f"{what} {job_id} does not exist in {get_region()}.")
    return job


def _same_request(jobs, p: dict) -> dict | None:
    """The job that an earlier call with this idempotency token started."""
    token = p.get("IdempotencyToken")
    job = next((job for job in jobs.values() if token and job["_token"] == token), None)
    if job and job["_request"] != p:
        raise BackupError("InvalidRequestException", f"IdempotencyToken {token} was used with other parameters.")
    return job


def _parse_vault_arn(arn: str) -> tuple:
    parts = arn.split(":")
    if len(parts) != 7 or parts[2] != "backup" or parts[5] != "backup-vault":
        raise BackupError(
            "InvalidParameterValueException", f"DestinationBackupVaultArn must be the ARN of a backup vault, got {arn}."
        )
    return parts[3], parts[4], parts[6]


def _vault_name(arn: str) -> str:
    return arn.split(":")[6]


def _event_value(name: str, value):
    if name in ("CreationDate", "CompletionDate", "StartBy", "InitiationDate", "RecoveryPointCreationDate"):
        return datetime.fromtimestamp(value, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def install() -> None:
    router = Router(
        {
            **backup_plans.HANDLERS,
            **backup_points.HANDLERS,
            **backup_vaults.HANDLERS,
            "StartBackupJob": _start_backup_job,
            "DescribeBackupJob": _describe(_backup_jobs, "BackupJobId", "Backup job"),
            "ListBackupJobs": _list(_backup_jobs, "BackupJobs"),
            "StopBackupJob": _stop_backup_job,
            "StartCopyJob": _start_copy_job,
            "DescribeCopyJob": lambda p: {"CopyJob": dict(_found(_copy_jobs, p["CopyJobId"], "Copy job"))},
            "ListCopyJobs": _list(_copy_jobs, "CopyJobs"),
            "StartRestoreJob": start_restore_job,
            "DescribeRestoreJob": _describe(_restore_jobs, "RestoreJobId", "Restore job"),
            "ListRestoreJobs": _list(_restore_jobs, "RestoreJobs"),
            "ListRestoreJobsByProtectedResource": _list_restore_jobs_by_resource,
            "GetRestoreJobMetadata": _get_restore_job_metadata,
            "PutRestoreValidationResult": _put_restore_validation_result,
        }
    )
    handle_request, reset = backup.handle_request, backup.reset

    async def handle(method, path, headers, body, query):
        response = router.handle(method, path, query, body)
        return response or await handle_request(method, path, headers, body, query)

    def reset_all():
        for store in (recovery_points, _backup_jobs, _copy_jobs, _restore_jobs):
            store.clear()
        reset()

    backup.handle_request = handle
    backup.reset = reset_all
    backup_vaults.install()
