"""What AWS Backup can back up here: RDS instances and Aurora clusters (as snapshots) and EFS file systems (as folders).

Each kind knows how to back up, copy, restore and delete; what goes wrong is a `ResourceError`, whose message becomes the
job's StatusMessage. A recovery point is the record of backup.py; `_data` in it is for the kind alone.
"""

import json
import shutil
import time
from datetime import datetime, timezone
from pathlib import Path

from ministack.core.responses import get_account_id, get_region
from ministack.services import efs
from ministack.services import rds as ministack_rds

from . import db_clusters, efs_files, rds, settings
from .backup_router import BackupError
from .rds_checks import RdsError


class ResourceError(Exception):
    """A job fails; the message says why."""


class RdsInstances:
    resource_type = "RDS"
    # What a caller may say in `Metadata`; AWS lists them in "Restore an Amazon RDS database".
    restore_options = {
        "AllocatedStorage",
        "AutoMinorVersionUpgrade",
        "AvailabilityZone",
        "CopyTagsToSnapshot",
        "DBInstanceClass",
        "DBInstanceIdentifier",
        "DBName",
        "DBParameterGroupName",
        "DBSubnetGroupName",
        "DeletionProtection",
        "EnableIAMDatabaseAuthentication",
        "Engine",
        "Iops",
        "LicenseModel",
        "MultiAZ",
        "OptionGroupName",
        "Port",
        "PubliclyAccessible",
        "StorageType",
        "VpcSecurityGroupIds",
    }
    required_restore_options = {"DBInstanceIdentifier"}

    @staticmethod
    def find(arn: str) -> dict | None:
        instance = rds.find_instance(arn.split(":", 6)[6])
        return instance if instance and instance["DBInstanceArn"] == arn else None

    @staticmethod
    def tags(arn: str) -> dict:
        return {tag["Key"]: tag["Value"] for tag in ministack_rds._tags.get(arn, [])}

    @staticmethod
    def is_encrypted(resource: dict) -> bool:
        return bool(resource.get("StorageEncrypted"))

    @staticmethod
    def recovery_point_arn(region: str, job_id: str, job: str) -> str:
        """RDS recovery points are DB snapshots; `job` is `job` for a backup and `copyjob` for a copy."""
        return f"arn:aws:rds:{region}:{get_account_id()}:snapshot:awsbackup:{job}-{job_id.lower()}"

    @staticmethod
    def back_up(resource: dict, point: dict) -> None:
        if resource["DBInstanceStatus"] != "available":
            raise ResourceError(
                f"Cannot create a snapshot because the database instance {resource['DBInstanceIdentifier']} is not currently "
                f"in the available state. (state: {resource['DBInstanceStatus']})"
            )
        resource["DBInstanceStatus"] = "backing-up"
        try:
            snapshot = rds.create_snapshot(_snapshot_id(point), resource, "awsbackup")
        except RdsError as error:
            raise ResourceError(str(error)) from error
        finally:
            if resource["DBInstanceStatus"] == "backing-up":
                resource["DBInstanceStatus"] = "available"
        # AWS reports no size for RDS snapshots: they are billed by RDS.
        point["BackupSizeInBytes"] = 0
        point["_data"] = {"snapshot": snapshot, "restore_metadata": _rds_restore_metadata(resource)}

    @staticmethod
    def copy(source: dict, target: dict, region: str) -> None:
        snapshot = rds.copy_snapshot(source["_data"]["snapshot"], _snapshot_id(target), region)
        target["_data"] = {**source["_data"], "snapshot": snapshot}

    @staticmethod
    def delete(point: dict) -> None:
        rds.delete_snapshot(_snapshot_id(point), point["RecoveryPointArn"].split(":")[3])

    @staticmethod
    def restore(point: dict, metadata: dict, tags: dict) -> str:
        """Returns the ARN of the new instance when it is available."""
        options = _rds_options(metadata, tags, leave_out=("Engine", "DBName"))
        try:
            instance = rds.restore_instance(point["_data"]["snapshot"], options)
        except RdsError as error:
            raise _rds_failure(error) from error
        while instance["DBInstanceStatus"] == "creating":
            time.sleep(0.02)
        if instance["DBInstanceStatus"] != "available":
            raise ResourceError(
                f"The restored DB instance {instance['DBInstanceIdentifier']} is {instance['DBInstanceStatus']}: "
                f"{instance.get('_failure', 'it was deleted meanwhile')}"
            )
        return instance["DBInstanceArn"]

    @staticmethod
    def damage(arn: str, database: str, statement: str) -> None:
        rds.server_of(arn).run_in(database, statement)


class AuroraClusters:
    resource_type = "Aurora"
    # Parameters of RestoreDBClusterFromSnapshot ("Restoring an Amazon Aurora cluster").
    restore_options = {
        "AvailabilityZones",
        "BacktrackWindow",
        "CopyTagsToSnapshot",
        "DBClusterIdentifier",
        "DBClusterParameterGroupName",
        "DBSubnetGroupName",
        "DatabaseName",
        "DeletionProtection",
        "EnableCloudwatchLogsExports",
        "EnableIAMDatabaseAuthentication",
        "Engine",
        "EngineMode",
        "EngineVersion",
        "KmsKeyId",
        "OptionGroupName",
        "Port",
        "ScalingConfiguration",
        "StorageType",
        "VpcSecurityGroupIds",
    }
    required_restore_options = {"DBClusterIdentifier", "Engine"}

    @staticmethod
    def find(arn: str) -> dict | None:
        cluster = db_clusters.find(arn.split(":", 6)[6])
        return cluster if cluster and cluster["DBClusterArn"] == arn else None

    tags = RdsInstances.tags
    is_encrypted = RdsInstances.is_encrypted

    @staticmethod
    def recovery_point_arn(region: str, job_id: str, job: str) -> str:
        return f"arn:aws:rds:{region}:{get_account_id()}:cluster-snapshot:awsbackup:{job}-{job_id.lower()}"

    @staticmethod
    def back_up(resource: dict, point: dict) -> None:
        try:
            snapshot = db_clusters.create_snapshot(_snapshot_id(point), resource)
        except RdsError as error:
            raise ResourceError(str(error)) from error
        point["BackupSizeInBytes"] = 0
        point["_data"] = {"snapshot": snapshot, "restore_metadata": _aurora_restore_metadata(resource)}

    @staticmethod
    def copy(source: dict, target: dict, region: str) -> None:
        snapshot = db_clusters.copy_snapshot(source["_data"]["snapshot"], _snapshot_id(target), region)
        target["_data"] = {**source["_data"], "snapshot": snapshot}

    @staticmethod
    def delete(point: dict) -> None:
        db_clusters.delete_snapshot(_snapshot_id(point), point["RecoveryPointArn"].split(":")[3])

    @staticmethod
    def restore(point: dict, metadata: dict, tags: dict) -> str:
        """Returns the ARN of the new cluster, which has no instances yet, when it can take them."""
        try:
            cluster = db_clusters.restore(point["_data"]["snapshot"], _rds_options(metadata, tags))
        except RdsError as error:
            raise _rds_failure(error) from error
        while cluster["Status"] == "creating":
            time.sleep(0.02)
        if cluster["Status"] != "available":
            raise ResourceError(
                f"The restored DB cluster {cluster['DBClusterIdentifier']} is {cluster['Status']}: "
                f"{cluster.get('_failure', 'it was deleted meanwhile')}"
            )
        return cluster["DBClusterArn"]

    @staticmethod
    def damage(arn: str, database: str, statement: str) -> None:
        with rds.server_of(arn).awake() as server:
            server.run_in(database, statement)


class EfsFileSystems:
    resource_type = "EFS"
    restore_options = {
        "file-system-id",
        "Encrypted",
        "KmsKeyId",
        "PerformanceMode",
        "CreationToken",
        "newFileSystem",
        "ItemsToRestore",
        "itemsToRestore",
    }
    required_restore_options = {"file-system-id", "newFileSystem"}

    @staticmethod
    def find(arn: str) -> dict | None:
        file_system = efs._file_systems.get(arn.rsplit("/", 1)[-1])
        return file_system if file_system and file_system["FileSystemArn"] == arn else None

    @staticmethod
    def tags(arn: str) -> dict:
        file_system = EfsFileSystems.find(arn) or {}
        return {tag["Key"]: tag["Value"] for tag in file_system.get("Tags", [])}

    @staticmethod
    def is_encrypted(resource: dict) -> bool:
        return True

    @staticmethod
    def recovery_point_arn(region: str, job_id: str, job: str) -> str:
        return f"arn:aws:backup:{region}:{get_account_id()}:recovery-point:{job_id}"

    @staticmethod
    def back_up(resource: dict, point: dict) -> None:
        source = settings.EFS_ROOT / resource["FileSystemId"]
        source.mkdir(parents=True, exist_ok=True)
        point["BackupSizeInBytes"] = efs_files.copy_tree(source, _backup_folder(point))
        point["_data"] = {
            "restore_metadata": {
                "file-system-id": resource["FileSystemId"],
                "Encrypted": str(bool(resource.get("Encrypted"))).lower(),
                "KmsKeyId": resource.get("KmsKeyId") or None,
                "PerformanceMode": resource["PerformanceMode"],
                "CreationToken": resource["CreationToken"],
                "newFileSystem": "false",
            }
        }

    @staticmethod
    def copy(source: dict, target: dict, region: str) -> None:
        efs_files.copy_tree(_backup_folder(source), _backup_folder(target))
        target["_data"] = source["_data"]

    @staticmethod
    def delete(point: dict) -> None:
        shutil.rmtree(_backup_folder(point), ignore_errors=True)

    @staticmethod
    def restore(point: dict, metadata: dict, tags: dict) -> str:
        """Returns the ARN of the file system; a new one has neither mount targets nor access points, as on AWS."""
        items = _json_list("ItemsToRestore", metadata.get("ItemsToRestore", metadata.get("itemsToRestore", "[]")))
        backup_folder = _backup_folder(point)
        for item in items:
            if not (backup_folder / item.lstrip("/")).is_symlink() and not (backup_folder / item.lstrip("/")).exists():
                raise ResourceError(f"The item {item} is not in the recovery point {point['RecoveryPointArn']}.")
        is_new = metadata["newFileSystem"] == "true"
        file_system = _new_file_system(metadata, tags) if is_new else efs._file_systems.get(metadata["file-system-id"])
        if not file_system:
            raise ResourceError(f"File system '{metadata['file-system-id']}' does not exist in {get_region()}.")
        folder = settings.EFS_ROOT / file_system["FileSystemId"]
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"aws-backup-restore_{_recovery_time()}"
        try:
            if not items:
                efs_files.copy_tree(backup_folder, target)
            for item in items:
                destination = target / item.lstrip("/")
                destination.parent.mkdir(parents=True, exist_ok=True)
                efs_files.copy_entry(backup_folder / item.lstrip("/"), destination, {})
        except OSError as error:
            shutil.rmtree(folder if is_new else target, ignore_errors=True)
            if is_new:
                efs._delete_file_system(file_system["FileSystemId"])
            raise ResourceError(f"The files could not be restored: {error}") from error
        return file_system["FileSystemArn"]


def kind_of(arn: str):
    """How to treat a resource, by its ARN."""
    parts = arn.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn":
        if parts[2] == "rds" and parts[5].startswith("db:"):
            return RdsInstances
        if parts[2] == "rds" and parts[5].startswith("cluster:"):
            return AuroraClusters
        if parts[2] == "elasticfilesystem" and parts[5].startswith("file-system/"):
            return EfsFileSystems
    raise BackupError(
        "InvalidParameterValueException",
        f"Resource {arn} cannot be backed up here: the local AWS backs up RDS DB instances, Aurora clusters and EFS file systems.",
    )


def check_restore_metadata(kind, metadata: dict) -> None:
    """What AWS refuses at once, before there is a job."""
    missing = sorted(kind.required_restore_options - metadata.keys())
    if missing:
        raise BackupError(
            "MissingParameterValueException",
            f"Restore metadata for {kind.resource_type} must hold {', '.join(missing)}.",
        )
    unknown = sorted(metadata.keys() - kind.restore_options)
    if unknown:
        raise BackupError(
            "InvalidParameterValueException",
            f"Restore metadata for {kind.resource_type} must not hold {', '.join(unknown)}.",
        )
    if kind is EfsFileSystems and metadata["newFileSystem"] == "true":
        needed = {"Encrypted", "PerformanceMode", "CreationToken"} - metadata.keys()
        if needed:
            raise BackupError(
                "MissingParameterValueException",
                f"Restore metadata for a new file system must hold {', '.join(sorted(needed))}.",
            )
        if metadata.get("KmsKeyId") and metadata["Encrypted"] != "true":
            raise BackupError("InvalidParameterValueException", "Encrypted must be true when KmsKeyId is given.")


def _snapshot_id(point: dict) -> str:
    return point["RecoveryPointArn"].split(":", 6)[6]


def _backup_folder(point: dict) -> Path:
    _, _, _, region, _, _, identifier = point["RecoveryPointArn"].split(":")
    return settings.DATA_DIR / "backup" / region / identifier


def _rds_restore_metadata(instance: dict) -> dict:
    metadata = {
        "AllocatedStorage": str(instance["AllocatedStorage"]),
        "AutoMinorVersionUpgrade": str(instance["AutoMinorVersionUpgrade"]).lower(),
        "AvailabilityZone": instance["AvailabilityZone"],
        "CopyTagsToSnapshot": str(instance.get("CopyTagsToSnapshot", False)).lower(),
        "DBInstanceClass": instance["DBInstanceClass"],
        "DBInstanceIdentifier": instance["DBInstanceIdentifier"],
        "DBName": instance.get("DBName") or None,
        "DBParameterGroupName": instance["DBParameterGroups"][0]["DBParameterGroupName"],
        "DBSubnetGroupName": instance["DBSubnetGroup"]["DBSubnetGroupName"],
        "DeletionProtection": str(instance["DeletionProtection"]).lower(),
        "EnableIAMDatabaseAuthentication": str(instance["IAMDatabaseAuthenticationEnabled"]).lower(),
        "Engine": instance["Engine"],
        "LicenseModel": instance["LicenseModel"],
        "MultiAZ": str(instance["MultiAZ"]).lower(),
        "Port": str(instance["Endpoint"]["Port"]),
        "PubliclyAccessible": str(instance["PubliclyAccessible"]).lower(),
        "StorageType": instance["StorageType"],
        "VpcSecurityGroupIds": json.dumps([group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]]),
    }
    return {name: value for name, value in metadata.items() if value is not None}


def _rds_options(metadata: dict, tags: dict, leave_out: tuple = ()) -> dict:
    """Metadata and tags as parameters of RDS's API."""
    options = {
        name: value for name, value in metadata.items() if name not in ("VpcSecurityGroupIds", "AvailabilityZones", *leave_out)
    }
    for number, group in enumerate(_json_list("VpcSecurityGroupIds", metadata.get("VpcSecurityGroupIds", "[]")), 1):
        options[f"VpcSecurityGroupIds.member.{number}"] = group
    for number, (key, value) in enumerate(tags.items(), 1):
        options |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": value}
    return options


def _rds_failure(error: RdsError) -> ResourceError:
    return ResourceError(f"{error} (Service: AmazonRDS; Error Code: {error.code})")


def _aurora_restore_metadata(cluster: dict) -> dict:
    metadata = {
        "AvailabilityZones": json.dumps(cluster["AvailabilityZones"]),
        "CopyTagsToSnapshot": str(bool(cluster.get("CopyTagsToSnapshot"))).lower(),
        "DBClusterIdentifier": cluster["DBClusterIdentifier"],
        "DBClusterParameterGroupName": cluster.get("DBClusterParameterGroup") or None,
        "DBSubnetGroupName": cluster["DBSubnetGroup"],
        "DatabaseName": cluster.get("DatabaseName") or None,
        "DeletionProtection": str(bool(cluster.get("DeletionProtection"))).lower(),
        "EnableIAMDatabaseAuthentication": str(bool(cluster.get("IAMDatabaseAuthenticationEnabled"))).lower(),
        "Engine": cluster["Engine"],
        "EngineMode": cluster["EngineMode"],
        "EngineVersion": cluster["EngineVersion"],
        "KmsKeyId": cluster.get("KmsKeyId") or None,
        "Port": str(cluster["Port"]),
        "VpcSecurityGroupIds": json.dumps([group["VpcSecurityGroupId"] for group in cluster["VpcSecurityGroups"]]),
    }
    return {name: value for name, value in metadata.items() if value is not None}


def _json_list(name: str, text: str) -> list:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ResourceError(f'`{name}` must be a JSON array of strings, got {text}: write it like ["a","b"]')
    return value


def _new_file_system(metadata: dict, tags: dict) -> dict:
    if any(existing["CreationToken"] == metadata["CreationToken"] for existing in efs._file_systems.values()):
        raise ResourceError(f"File system with creation token '{metadata['CreationToken']}' already exists.")
    body = {
        "CreationToken": metadata["CreationToken"],
        "PerformanceMode": metadata["PerformanceMode"],
        "Encrypted": metadata["Encrypted"] == "true",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if metadata.get("KmsKeyId"):
        body["KmsKeyId"] = metadata["KmsKeyId"]
    created = json.loads(efs._create_file_system(body)[2])
    return efs._file_systems[created["FileSystemId"]]


def _recovery_time() -> str:
    now = datetime.now(timezone.utc)
    return f"{now:%Y-%m-%dT%H-%M-%S}-{now.microsecond // 1000:03}Z"
