"""The recovery points of all vaults: how they are found, listed, tagged and deleted."""

import time

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import backup

from .backup_resources import kind_of
from .backup_router import BackupError

SECONDS_PER_DAY = 86_400

# By (vault name, ARN); each belongs to the Region of its vault.
recovery_points = AccountRegionScopedDict()


def find_vault(name: str) -> dict:
    vault = backup._vaults.get(name)
    if vault is None:
        raise BackupError("ResourceNotFoundException", f"Backup vault {name} does not exist in {get_region()}.")
    return vault


def find_point(vault_name: str, arn: str) -> dict:
    find_vault(vault_name)
    point = recovery_points.get((vault_name, arn))
    if point is None:
        raise BackupError("ResourceNotFoundException", f"Recovery point {arn} does not exist in vault {vault_name}.")
    return point


_FILTERS = {
    "ByResourceArn": lambda item, value: item.get("ResourceArn") == value,
    "ByResourceType": lambda item, value: item.get("ResourceType") == value,
    "ByState": lambda item, value: item.get("State") == value,
    "ByStatus": lambda item, value: item.get("Status") == value,
    "ByAccountId": lambda item, value: value in ("*", item.get("AccountId")),
    "ByBackupVaultName": lambda item, value: item.get("BackupVaultName") == value,
    "ByDestinationVaultArn": lambda item, value: item.get("DestinationBackupVaultArn") == value,
    "BySourceRecoveryPointArn": lambda item, value: item.get("SourceRecoveryPointArn") == value,
    "ByCreatedAfter": lambda item, value: item["CreationDate"] > value.timestamp(),
    "ByCreatedBefore": lambda item, value: item["CreationDate"] < value.timestamp(),
    "ByCompleteAfter": lambda item, value: item.get("CompletionDate", 0) > value.timestamp(),
    "ByCompleteBefore": lambda item, value: 0 < item.get("CompletionDate", 0) < value.timestamp(),
    # Nothing here was made by a plan, a restore testing plan or a composite job.
    "ByBackupPlanId": lambda item, value: False,
    "ByRestoreTestingPlanArn": lambda item, value: False,
    "ByParentJobId": lambda item, value: False,
    "ByParentRecoveryPointArn": lambda item, value: False,
    "ByMessageCategory": lambda item, value: False,
}


def page(items: list, p: dict, name: str) -> dict:
    """One page of what passes the filters, newest first."""
    for parameter, value in p.items():
        if parameter in _FILTERS:
            items = [item for item in items if _FILTERS[parameter](item, value)]
    items = sorted(items, key=lambda item: -item.get("CreationDate", 0))
    size = p.get("MaxResults", 1000)
    try:
        start = int(p.get("NextToken", 0))
    except ValueError:
        raise BackupError(
            "InvalidParameterValueException", f"NextToken {p['NextToken']} is not one that was given out."
        ) from None
    end = start + size
    return {name: [dict(item) for item in items[start:end]], "NextToken": str(end) if end < len(items) else None}


def _region(vault: dict) -> str:
    return vault["BackupVaultArn"].split(":")[3]


def current_time() -> float:
    """Seconds since the epoch; AWS Backup is accurate to milliseconds."""
    return round(time.time(), 3)


def new_point(vault: dict, arn: str, job: dict, lifecycle: dict | None) -> dict:
    source = kind_of(job["ResourceArn"])
    point = {
        "RecoveryPointArn": arn,
        "BackupVaultName": vault["BackupVaultName"],
        "BackupVaultArn": vault["BackupVaultArn"],
        "ResourceArn": job["ResourceArn"],
        "ResourceType": job["ResourceType"],
        "ResourceName": job.get("ResourceName"),
        "IamRoleArn": job["IamRoleArn"],
        "Status": "CREATING",
        "CreationDate": job["CreationDate"],
        "BackupSizeInBytes": 0,
        "Lifecycle": lifecycle,
        "EncryptionKeyArn": vault.get("EncryptionKeyArn")
        or f"arn:aws:kms:{_region(vault)}:{get_account_id()}:alias/aws/backup",
        "StorageClass": "WARM",
        "VaultType": "BACKUP_VAULT",
        "IsParent": False,
        "_source_tags": source.tags(job["ResourceArn"]),
    }
    return set_expiry(point)


def set_expiry(point: dict) -> dict:
    days = (point.get("Lifecycle") or {}).get("DeleteAfterDays")
    delete_at = point["CreationDate"] + days * SECONDS_PER_DAY if days and days > 0 else None
    point["CalculatedLifecycle"] = {"DeleteAt": delete_at}
    return point


def _list_recovery_points_by_vault(p):
    find_vault(p["BackupVaultName"])
    points = [point for (vault, _), point in recovery_points.items() if vault == p["BackupVaultName"]]
    return page(points, p, "RecoveryPoints")


def _list_recovery_points_by_resource(p):
    points = [
        {**point, "BackupSizeBytes": point["BackupSizeInBytes"]}
        for point in recovery_points.values()
        if point["ResourceArn"] == p["ResourceArn"]
    ]
    return page(points, {**p, "ResourceArn": None}, "RecoveryPoints")


def _describe_recovery_point(p):
    return find_point(p["BackupVaultName"], p["RecoveryPointArn"])


def _get_recovery_point_restore_metadata(p):
    point = find_point(p["BackupVaultName"], p["RecoveryPointArn"])
    return {
        "BackupVaultArn": point["BackupVaultArn"],
        "RecoveryPointArn": point["RecoveryPointArn"],
        "RestoreMetadata": point.get("_data", {}).get("restore_metadata", {}),
        "ResourceType": point["ResourceType"],
    }


def _delete_recovery_point(p):
    point = find_point(p["BackupVaultName"], p["RecoveryPointArn"])
    if point["Status"] == "CREATING":
        raise BackupError("InvalidRequestException", f"Recovery point {p['RecoveryPointArn']} is still being created.")
    if find_vault(p["BackupVaultName"]).get("Locked"):
        raise BackupError(
            "InvalidRequestException",
            f"Vault {p['BackupVaultName']} is locked: its recovery points expire by themselves.",
        )
    recovery_points.pop((p["BackupVaultName"], p["RecoveryPointArn"]))
    kind_of(point["ResourceArn"]).delete(point)


def _update_recovery_point_lifecycle(p):
    point = find_point(p["BackupVaultName"], p["RecoveryPointArn"])
    point["Lifecycle"] = p.get("Lifecycle")
    set_expiry(point)
    return {name: point[name] for name in ("BackupVaultArn", "RecoveryPointArn", "Lifecycle", "CalculatedLifecycle")}


def _list_protected_resources(p):
    newest = {}
    for point in sorted(recovery_points.values(), key=lambda point: point["CreationDate"]):
        newest[point["ResourceArn"]] = point
    resources = [
        {
            "ResourceArn": arn,
            "ResourceType": point["ResourceType"],
            "ResourceName": point.get("ResourceName"),
            "LastBackupTime": point["CreationDate"],
            "LastBackupVaultArn": point["BackupVaultArn"],
            "LastRecoveryPointArn": point["RecoveryPointArn"],
        }
        for arn, point in newest.items()
    ]
    return page(resources, p, "Results")


def _describe_protected_resource(p):
    for resource in _list_protected_resources({"MaxResults": 1000})["Results"]:
        if resource["ResourceArn"] == p["ResourceArn"]:
            return resource
    raise BackupError(
        "ResourceNotFoundException", f"Resource {p['ResourceArn']} has no recovery point in {get_region()}."
    )


def _tags_of(arn: str) -> dict:
    """The tags of a recovery point, or of what MiniStack knows."""
    for (_, point_arn), point in recovery_points.items():
        if point_arn == arn:
            return point["_tags"]
    try:
        tags = backup._resolve_resource(arn)
    except ValueError as error:
        raise BackupError("InvalidParameterValueException", str(error)) from error
    if tags is None:
        raise BackupError("ResourceNotFoundException", f"Resource {arn} does not exist in {get_region()}.")
    return tags


def _list_tags(p):
    return {"Tags": dict(_tags_of(p["ResourceArn"]))}


def _tag(p):
    _tags_of(p["ResourceArn"]).update(p["Tags"])


def _untag(p):
    tags = _tags_of(p["ResourceArn"])
    for key in p["TagKeyList"]:
        tags.pop(key, None)


HANDLERS = {
    "ListRecoveryPointsByBackupVault": _list_recovery_points_by_vault,
    "ListRecoveryPointsByResource": _list_recovery_points_by_resource,
    "DescribeRecoveryPoint": _describe_recovery_point,
    "GetRecoveryPointRestoreMetadata": _get_recovery_point_restore_metadata,
    "DeleteRecoveryPoint": _delete_recovery_point,
    "UpdateRecoveryPointLifecycle": _update_recovery_point_lifecycle,
    "ListProtectedResources": _list_protected_resources,
    "DescribeProtectedResource": _describe_protected_resource,
    "ListTags": _list_tags,
    "TagResource": _tag,
    "UntagResource": _untag,
}
