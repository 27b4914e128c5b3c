"""Backup plans: MiniStack keeps their versions, and gives only the newest."""

from ministack.services import backup

from .backup_router import BackupError


def _get_plan(p):
    """Of the version that is asked for; default: the newest."""
    plan = backup._plans.get(p["BackupPlanId"])
    if plan is None:
        raise BackupError("ResourceNotFoundException", f"Backup plan {p['BackupPlanId']} does not exist.")
    wanted = p.get("VersionId") or plan["VersionId"]
    for version in plan["Versions"]:
        if version["VersionId"] == wanted:
            shown = ("BackupPlanId", "BackupPlanArn", "CreationDate", "VersionId", "BackupPlan")
            return {name: version[name] for name in shown}
    raise BackupError("ResourceNotFoundException", f"Backup plan {p['BackupPlanId']} has no version {wanted}.")


HANDLERS = {"GetBackupPlan": _get_plan}
