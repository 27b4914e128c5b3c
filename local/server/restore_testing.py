"""Restore testing plans of AWS Backup: kept as CloudFormation makes them, and run when the control API is told to, not on their
schedule. The newest recovery point of each resource is restored; what that made is deleted once the validation is done, or its
window over."""

import secrets
import time

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

from . import backup, rds, settings
from .backup_points import recovery_points
from .clock import run_later

# By Region and name; a plan's selections are in it.
_plans: dict[tuple[str, str], dict] = {}
_POLL_SECONDS = 0.1


def install() -> None:
    handlers["AWS::Backup::RestoreTestingPlan"] = {"create": _create_plan, "delete": _delete_plan}
    handlers["AWS::Backup::RestoreTestingSelection"] = {"create": _create_selection, "delete": lambda *_: None}


def _create_plan(logical_id, props, stack_name):
    name = props["RestoreTestingPlanName"]
    arn = f"arn:aws:backup:{get_region()}:{get_account_id()}:restore-testing-plan:{name}-{secrets.token_hex(4)}"
    _plans[(get_region(), name)] = {**props, "arn": arn, "account": get_account_id(), "selections": []}
    return name, {"RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name}


def _delete_plan(name, props):
    _plans.pop((get_region(), name), None)


def _create_selection(logical_id, props, stack_name):
    plan = _plans.get((get_region(), props["RestoreTestingPlanName"]))
    if plan is None:
        raise ValueError(f"there is no restore testing plan {props['RestoreTestingPlanName']}")
    plan["selections"].append(props)
    name = props["RestoreTestingSelectionName"]
    return f"{props['RestoreTestingPlanName']}|{name}", {}


def run(region: str, name: str, window_seconds: float = 30.0) -> list[str] | None:
    """Starts the plan's restore jobs; gives their ids. None: there is no such plan."""
    plan = _plans.get((region, name))
    if plan is None:
        return None
    with request_scope(plan["account"], region):
        return [
            _start(plan, selection, point, window_seconds)
            for selection in plan["selections"]
            for point in _newest(plan, selection)
        ]


def _newest(plan: dict, selection: dict) -> list[dict]:
    """Of each resource of the selection's type in the vaults of the plan, the newest of the last days."""
    days = plan["RecoveryPointSelection"].get("SelectionWindowDays", 30)
    newest: dict[str, dict] = {}
    for point in recovery_points.values():
        if (
            point["ResourceType"] == selection["ProtectedResourceType"]
            and point["BackupVaultArn"] in plan["RecoveryPointSelection"]["IncludeVaults"]
            and point["Status"] == "COMPLETED"
            and point["CreationDate"] > time.time() - float(days) * 86_400
        ):
            resource = point["ResourceArn"]
            if resource not in newest or newest[resource]["CreationDate"] < point["CreationDate"]:
                newest[resource] = point
    return list(newest.values())


def _start(plan: dict, selection: dict, point: dict, window_seconds: float) -> str:
    noted = point["_data"]["restore_metadata"]
    metadata = {
        "DBInstanceIdentifier": f"awsbackup-restore-test-{secrets.token_hex(6)}",
        "DBInstanceClass": noted["DBInstanceClass"],
        "MultiAZ": "false",
        "DeletionProtection": "false",
    }
    # "Key values are not case sensitive."
    known = {name.lower(): name for name in backup.kind_of(point["ResourceArn"]).restore_options}
    for key, value in (selection.get("RestoreMetadataOverrides") or {}).items():
        metadata[known[key.lower()]] = value
    request = {"RecoveryPointArn": point["RecoveryPointArn"], "IamRoleArn": selection["IamRoleArn"], "Metadata": metadata}
    job_id = backup.start_restore_job(request, RestoreTestingPlanArn=plan["arn"])["RestoreJobId"]
    run_later(0, lambda: _clean_up(job_id, window_seconds))
    return job_id


def _clean_up(job_id: str, window_seconds: float) -> None:
    job = backup.restore_job(job_id)
    while job["Status"] in ("PENDING", "RUNNING"):
        time.sleep(_POLL_SECONDS)
    if job["Status"] != "COMPLETED":
        return
    end = time.time() + window_seconds
    while "ValidationStatus" not in job and time.time() < end:
        time.sleep(_POLL_SECONDS)
    job.setdefault("ValidationStatus", "TIMED_OUT")
    job["DeletionStatus"] = "DELETING"
    rds.delete_restored(job["CreatedResourceArn"])
    job["DeletionStatus"] = "SUCCESSFUL"
