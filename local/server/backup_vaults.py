"""Backup vaults: their lock, access policy and notifications are kept, and the lock is minded.

cloudformation.py keeps the same properties, under the same names, of vaults that CloudFormation makes.
"""

from ministack.services import backup
from ministack.services.cloudformation import provisioners

from .backup_points import SECONDS_PER_DAY, current_time, find_vault, page, recovery_points
from .backup_router import BackupError


def _describe_vault(p):
    return _described(find_vault(p["BackupVaultName"]))


def _list_vaults(p):
    return page([_described(vault) for vault in backup._vaults.values()], p, "BackupVaultList")


def _described(vault: dict) -> dict:
    count = sum(1 for (name, _) in recovery_points if name == vault["BackupVaultName"])
    return {
        **vault,
        "BackupVaultTags": None,
        "AccessPolicy": None,
        "Notifications": None,
        "VaultType": vault.get("VaultType", "BACKUP_VAULT"),
        "VaultState": "AVAILABLE",
        "NumberOfRecoveryPoints": count,
    }


def _delete_vault(p):
    find_vault(p["BackupVaultName"])
    _check_empty(p["BackupVaultName"])
    backup._delete_vault(p["BackupVaultName"])


def _check_empty(name: str) -> None:
    if any(vault == name for (vault, _) in recovery_points):
        raise BackupError(
            "InvalidRequestException",
            f"Backup vault {name} cannot be deleted (contains recovery points): delete them first.",
        )


def _put_access_policy(p):
    find_vault(p["BackupVaultName"])["AccessPolicy"] = p.get("Policy")


def _get_access_policy(p):
    vault = find_vault(p["BackupVaultName"])
    if not vault.get("AccessPolicy"):
        raise BackupError("ResourceNotFoundException", f"Backup vault {p['BackupVaultName']} has no access policy.")
    return {
        "BackupVaultName": vault["BackupVaultName"],
        "BackupVaultArn": vault["BackupVaultArn"],
        "Policy": vault["AccessPolicy"],
    }


def _delete_access_policy(p):
    find_vault(p["BackupVaultName"]).pop("AccessPolicy", None)


def _put_lock(p):
    lock = {name: p.get(name) for name in ("MinRetentionDays", "MaxRetentionDays")}
    if p.get("ChangeableForDays") is not None:
        lock["LockDate"] = current_time() + p["ChangeableForDays"] * SECONDS_PER_DAY
    find_vault(p["BackupVaultName"]).update(lock, Locked=True)


def _delete_lock(p):
    vault = find_vault(p["BackupVaultName"])
    if vault.get("LockDate") and vault["LockDate"] < current_time():
        raise BackupError(
            "InvalidRequestException", f"The lock of vault {p['BackupVaultName']} can no longer be changed."
        )
    for name in ("MinRetentionDays", "MaxRetentionDays", "LockDate"):
        vault.pop(name, None)
    vault["Locked"] = False


def _put_notifications(p):
    find_vault(p["BackupVaultName"])["Notifications"] = {name: p[name] for name in ("SNSTopicArn", "BackupVaultEvents")}


def _get_notifications(p):
    vault = find_vault(p["BackupVaultName"])
    if not vault.get("Notifications"):
        raise BackupError("ResourceNotFoundException", f"Backup vault {p['BackupVaultName']} sends no notifications.")
    return {
        "BackupVaultName": vault["BackupVaultName"],
        "BackupVaultArn": vault["BackupVaultArn"],
        **vault["Notifications"],
    }


def _delete_notifications(p):
    find_vault(p["BackupVaultName"]).pop("Notifications", None)


def _refuse_full_vault(delete):
    def deleted(physical_id, props):
        try:
            _check_empty(physical_id)
        except BackupError as error:
            raise ValueError(f"AWS::Backup::BackupVault delete failed: {error.code}: {error}") from error
        return delete(physical_id, props)

    return deleted


HANDLERS = {
    "DescribeBackupVault": _describe_vault,
    "ListBackupVaults": _list_vaults,
    "DeleteBackupVault": _delete_vault,
    "PutBackupVaultAccessPolicy": _put_access_policy,
    "GetBackupVaultAccessPolicy": _get_access_policy,
    "DeleteBackupVaultAccessPolicy": _delete_access_policy,
    "PutBackupVaultLockConfiguration": _put_lock,
    "DeleteBackupVaultLockConfiguration": _delete_lock,
    "PutBackupVaultNotifications": _put_notifications,
    "GetBackupVaultNotifications": _get_notifications,
    "DeleteBackupVaultNotifications": _delete_notifications,
}


def install() -> None:
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Backup::BackupVault"]
    handlers["delete"] = _refuse_full_vault(handlers["delete"])
