"""RDS instances that are real servers, made through the API, through CloudFormation or from snapshots.

MiniStack keeps the records; here each gets a server, and an endpoint as soon as that accepts connections. Engines that
have no server here are refused rather than pretended. Instances of clusters are in db_clusters.py.
"""

import logging
import re
import threading
import time

from ministack.core.concurrency import spawn_background
from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, rds
from ministack.services.cloudformation import provisioners

from . import engines, faults
from .clock import run_later
from .engines import Server
from .rds_checks import RdsError, check_identifier, check_password, check_user, checked_engine
from .rds_servers import servers

logger = logging.getLogger("local-aws.rds")

# How long a deleted instance is still described as `deleting`, in seconds. On AWS it is minutes.
_DELETING_SECONDS = 0.5

# Called with each instance that became available for the first time.
on_available: list = []


# --- What AWS Backup and automated backups need -----------------------------------------------------------------------


def find_instance(identifier: str) -> dict | None:
    return rds._instances.get(identifier)


def find_instance_by_arn(arn: str) -> dict | None:
    """Of any Region."""
    _, _, _, region, account, _, identifier = arn.split(":", 6)
    return rds._instances.get_scoped(account, region, identifier)


def server_of(arn: str) -> Server | None:
    return servers.get(arn)


def create_snapshot(snapshot_id: str, instance: dict, snapshot_type: str) -> dict:
    """A real snapshot of a running instance, listed by DescribeDBSnapshots once it is complete."""
    server = servers.get(instance["DBInstanceArn"])
    if server is None or not server.running:
        raise RdsError(
            "InvalidDBInstanceState",
            f"Cannot create a snapshot because the database instance {instance['DBInstanceIdentifier']} is not currently "
            "in the available state.",
        )
    folder = snapshot_folder(get_region(), snapshot_id)
    try:
        server.snapshot(folder)
    except BaseException:
        engines.remove_data(folder)
        raise
    snapshot = _record_snapshot(snapshot_id, instance)
    snapshot["SnapshotType"] = snapshot_type
    snapshot["VpcId"] = instance["DBSubnetGroup"].get("VpcId", "")
    return snapshot


def copy_snapshot(source: dict, snapshot_id: str, region: str) -> dict:
    """A copy in another Region; VPC and subnet group do not exist there."""
    source_region = source["DBSnapshotArn"].split(":")[3]
    engines.copy_data(
        snapshot_folder(source_region, source["DBSnapshotIdentifier"]), snapshot_folder(region, snapshot_id)
    )
    account = get_account_id()
    copy = {
        **source,
        "DBSnapshotIdentifier": snapshot_id,
        "DBSnapshotArn": f"arn:aws:rds:{region}:{account}:snapshot:{snapshot_id}",
        "AvailabilityZone": f"{region}a",
        "VpcId": "",
        "SourceRegion": source_region,
        "SourceDBSnapshotIdentifier": source["DBSnapshotArn"],
        "SnapshotCreateTime": rds._format_time(time.time()),
    }
    rds._snapshots.set_scoped(account, region, snapshot_id, copy)
    return copy


def delete_snapshot(snapshot_id: str, region: str) -> None:
    rds._snapshots.pop_scoped(get_account_id(), region, snapshot_id, None)
    engines.remove_data(snapshot_folder(region, snapshot_id))


def restore_instance(snapshot: dict, options: dict) -> dict:
    """A new instance from a snapshot of this Region; `options` are the parameters of RestoreDBInstanceFromDBSnapshot."""
    folder = snapshot_folder(get_region(), snapshot["DBSnapshotIdentifier"])
    identifier = rds._p(options, "DBInstanceIdentifier")
    engine = checked_engine(snapshot["Engine"])
    return restore_record(snapshot, options, lambda: engine.restore(folder, identifier.lower()))


def restore_record(origin: dict, options: dict, make, *, failed: str = "failed") -> dict:
    """A new instance whose server `make` makes; returns its record at once, in state `creating`.

    What `options` do not say is as on AWS: class, storage and port of the origin (a snapshot or an instance), but the
    default security group and parameter group.
    """
    parameters = {
        "Engine": origin["Engine"],
        "EngineVersion": origin["EngineVersion"],
        "DBInstanceClass": origin["DBInstanceClass"],
        "AllocatedStorage": str(origin["AllocatedStorage"]),
        "StorageType": origin["StorageType"],
        "StorageEncrypted": str(origin["StorageEncrypted"]).lower(),
        "KmsKeyId": origin["KmsKeyId"],
        "MasterUsername": origin["MasterUsername"],
        # Not known and not needed: the master user of the origin keeps the password.
        "MasterUserPassword": "unchanged",
        **options,
    }
    instance = _create_record(parameters)
    instance["DBName"] = origin.get("DBName", "")
    _start_in_background(instance, make, failed)
    return instance


# --- The API ----------------------------------------------------------------------------------------------------------


def _create_db_instance(p):
    password = rds._p(p, "MasterUserPassword")
    if rds._p(p, "ManageMasterUserPassword") == "true":
        raise RdsError(
            "InvalidParameterCombination",
            "The local AWS does not manage master user passwords: give MasterUserPassword instead of ManageMasterUserPassword.",
        )
    if not rds._p(p, "MasterUsername") or not password:
        raise RdsError(
            "InvalidParameterValue",
            "The parameters MasterUsername and MasterUserPassword must be provided and must not be blank.",
        )
    engine = checked_engine(rds._p(p, "Engine"))
    check_password(engine, password)
    database = rds._p(p, "DBName")
    instance = _create_record(p)
    instance["DBName"] = database
    user = instance["MasterUsername"]
    response = rds._single_instance_response("CreateDBInstanceResponse", "CreateDBInstanceResult", instance)
    _start_in_background(instance, lambda: engine.create(instance["DBInstanceIdentifier"], user, password, database))
    return response


def _restore_from_snapshot(p):
    snapshot = rds._snapshots.get(rds._p(p, "DBSnapshotIdentifier"))
    if not snapshot:
        raise RdsError("DBSnapshotNotFound", f"DBSnapshot {rds._p(p, 'DBSnapshotIdentifier')} not found.")
    instance = restore_instance(snapshot, p)
    return rds._single_instance_response(
        "RestoreDBInstanceFromDBSnapshotResponse", "RestoreDBInstanceFromDBSnapshotResult", instance
    )


def _delete_db_instance(p):
    instance = rds._resolve_instance(rds._p(p, "DBInstanceIdentifier"))
    final_snapshot = rds._p(p, "FinalDBSnapshotIdentifier")
    if instance and not instance.get("DeletionProtection"):
        is_member = bool(instance.get("DBClusterIdentifier"))
        if rds._p(p, "SkipFinalSnapshot") != "true" and not final_snapshot and not is_member:
            raise RdsError(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            )
        if instance["DBInstanceStatus"] in ("creating", "deleting"):
            raise RdsError(
                "InvalidDBInstanceState",
                f"Instance {instance['DBInstanceIdentifier']} is currently {instance['DBInstanceStatus']} and cannot be deleted.",
            )
    if instance:
        instance["_delete_automated_backups"] = rds._p(p, "DeleteAutomatedBackups") != "false"
    tags = list(rds._tags.get(instance["DBInstanceArn"], [])) if instance else []
    response = _original["delete"](p)
    if response[0] == 200:
        identifier = instance["DBInstanceIdentifier"]
        rds._instances[identifier] = instance
        rds._tags[instance["DBInstanceArn"]] = tags
        spawn_background(lambda: servers.remove(instance["DBInstanceArn"]), thread_name=f"delete {identifier}")
        run_later(_DELETING_SECONDS, lambda: _forget(instance))
    return response


def delete_restored(arn: str) -> None:
    """What a restore test made, without a last snapshot."""
    _delete_db_instance({"DBInstanceIdentifier": [arn.split(":", 6)[6]], "SkipFinalSnapshot": ["true"]})


def _start_db_instance(p):
    response = _original["start"](p)
    instance = rds._resolve_instance(rds._p(p, "DBInstanceIdentifier"))
    if response[0] == 200 and servers.get(instance["DBInstanceArn"]):
        servers.get(instance["DBInstanceArn"]).start(instance["Endpoint"]["Port"])
    return response


def _stop_db_instance(p):
    response = _original["stop"](p)
    if response[0] == 200 and (server := servers.get(rds._resolve_instance(rds._p(p, "DBInstanceIdentifier"))["DBInstanceArn"])):
        server.stop()
    return response


def _finish_instance_reboot(instance, cluster):
    if server := servers.get(instance["DBInstanceArn"]):
        server.stop()
        server.start(instance["Endpoint"]["Port"])
    return _original["finish_reboot"](instance, cluster)


def _modify_db_instance(p):
    instance = rds._resolve_instance(rds._p(p, "DBInstanceIdentifier"))
    if instance and (password := rds._p(p, "MasterUserPassword")):
        check_password(checked_engine(instance["Engine"]), password)
    return _original["modify"](p)


def _set_master_password(instance, old_password, new_password):
    """Takes its time, as on AWS, where the old password goes on for some seconds."""

    def change():
        servers.get(instance["DBInstanceArn"]).set_password(instance["MasterUsername"], new_password)
        instance["DBInstanceStatus"] = "available"

    if servers.get(instance["DBInstanceArn"]):
        instance["DBInstanceStatus"] = "resetting-master-credentials"
        run_later(0.3, change)


def _create_manual_snapshot(snapshot_id, instance):
    return create_snapshot(snapshot_id, instance, "manual")


def _delete_db_snapshot(p):
    snapshot_id = rds._p(p, "DBSnapshotIdentifier")
    snapshot = rds._snapshots.get(snapshot_id)
    if snapshot and snapshot["SnapshotType"] == "awsbackup":
        raise RdsError(
            "InvalidDBSnapshotState", f"Snapshot {snapshot_id} is managed by AWS Backup: delete its recovery point."
        )
    response = _original["delete_snapshot"](p)
    if response[0] == 200:
        delete_snapshot(snapshot_id, get_region())
    return response


def _instance_xml(instance):
    """Without an endpoint while there is none."""
    xml = _original["instance_xml"](instance)
    return xml if instance.get("Endpoint") else re.sub(r"<Endpoint>.*?</Endpoint>", "", xml, flags=re.S)


# --- CloudFormation ---------------------------------------------------------------------------------------------------


def _cloudformation_create(logical_id, props, stack_name):
    snapshot_id = props.get("DBSnapshotIdentifier")
    snapshot = rds._snapshots.get(snapshot_id) if snapshot_id else None
    if snapshot_id and not snapshot:
        raise ValueError(f"AWS::RDS::DBInstance create failed: DBSnapshot {snapshot_id} not found.")
    try:
        engine = checked_engine(snapshot["Engine"] if snapshot else props.get("Engine", ""))
        if not snapshot:
            check_user(engine, props.get("MasterUsername", ""))
            check_password(engine, props.get("MasterUserPassword", ""))
    except RdsError as error:
        raise ValueError(f"AWS::RDS::DBInstance create failed: {error.code}: {error}") from error
    identifier, _ = _original["cfn_create"](logical_id, props, stack_name)
    instance = rds._instances[identifier]
    instance["DBName"] = props.get("DBName", "")
    rds._tags[instance["DBInstanceArn"]] = list(instance["TagList"])
    if snapshot:
        instance["MasterUsername"] = snapshot["MasterUsername"]
        folder = snapshot_folder(get_region(), snapshot_id)
        _start(instance, lambda: engine.restore(folder, identifier))
    else:
        _start(
            instance,
            lambda: engine.create(
                identifier, instance["MasterUsername"], props["MasterUserPassword"], props.get("DBName")
            ),
        )
    if instance["DBInstanceStatus"] != "available":
        raise ValueError(f"AWS::RDS::DBInstance create failed: {instance.get('_failure', 'the server did not start')}")
    return identifier, provisioners._rds_db_instance_attrs(instance)


def _cloudformation_update(physical_id, old_props, new_props, stack_name, logical_id=None):
    identifier, _ = _original["cfn_update"](physical_id, old_props, new_props, stack_name, logical_id)
    instance = rds._instances[identifier]
    rds._tags[instance["DBInstanceArn"]] = list(instance["TagList"])
    if server := servers.get(instance["DBInstanceArn"]):
        instance["Endpoint"]["Port"] = server.port
        if identifier == physical_id and new_props.get("MasterUserPassword") != old_props.get("MasterUserPassword"):
            server.set_password(instance["MasterUsername"], new_props["MasterUserPassword"])
    return identifier, provisioners._rds_db_instance_attrs(instance)


def _cloudformation_delete(physical_id, props):
    instance = rds._instances.get(physical_id)
    if instance is None:
        return
    if instance.get("DeletionProtection"):
        raise ValueError(
            "AWS::RDS::DBInstance delete failed: InvalidParameterCombination: "
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    _original["cfn_delete"](physical_id, props)
    rds._tags.pop(instance["DBInstanceArn"], None)
    servers.remove(instance["DBInstanceArn"])


# --- Parts ------------------------------------------------------------------------------------------------------------


def _create_record(p) -> dict:
    """MiniStack's record of a new instance, checked more strictly, in state `creating`."""
    identifier = checked_identifier(p)
    check_user(checked_engine(rds._p(p, "Engine")), rds._p(p, "MasterUsername"))
    vpc_id = check_placement(p)
    succeed(_original["create"]({**p, "DBInstanceIdentifier": identifier}))
    instance = rds._instances[identifier]
    instance |= {"DBInstanceStatus": "creating", "Endpoint": {}}
    if not instance["VpcSecurityGroups"]:
        instance["VpcSecurityGroups"] = _default_security_groups(vpc_id)
    return instance


def checked_identifier(p) -> str:
    """Of an instance that can be made."""
    identifier = rds._p(p, "DBInstanceIdentifier").lower()
    check_identifier(identifier)
    if identifier in rds._instances:
        raise RdsError("DBInstanceAlreadyExists", "DB instance already exists")
    if fault := faults.matching("instance-quota-reached", get_region()):
        message = fault.get("message") or "Cannot create more DB instances: the quota of the account is reached"
        raise RdsError("InstanceQuotaExceeded", message)
    return identifier


def check_placement(p) -> str | None:
    """Subnet group and security groups are there; gives the VPC of the subnet group."""
    subnet_group = rds._p(p, "DBSubnetGroupName")
    if subnet_group and subnet_group not in rds._subnet_groups:
        raise RdsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{subnet_group}' does not exist.")
    for group in rds._parse_member_list(p, "VpcSecurityGroupIds"):
        if group not in ec2._security_groups:
            raise RdsError("InvalidParameterValue", f"Invalid security group , groupId= {group}, groupName=.")
    return rds._subnet_groups[subnet_group]["VpcId"] if subnet_group else None


def succeed(response) -> None:
    """Raises what MiniStack answered, where that is an error."""
    status, _, body = response
    if status != 200:
        code, message = re.search(r"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", body.decode(), re.S).groups()
        raise RdsError(code, message)


def _default_security_groups(vpc_id: str | None) -> list:
    ec2._ensure_defaults_initialized()
    default_vpc = next((id for id, vpc in ec2._vpcs.items() if vpc.get("IsDefault")), None)
    groups = [
        group["GroupId"]
        for group in ec2._security_groups.values()
        if group.get("VpcId") == (vpc_id or default_vpc) and group.get("GroupName") == "default"
    ]
    return [{"VpcSecurityGroupId": group, "Status": "active"} for group in groups]


def _start_in_background(instance: dict, make, failed: str = "failed") -> None:
    spawn_background(lambda: _start(instance, make, failed), thread_name=f"start {instance['DBInstanceIdentifier']}")


def _start(instance: dict, make, failed: str = "failed") -> None:
    instance |= {"DBInstanceStatus": "creating", "Endpoint": {}}
    try:
        server = make()
    except Exception as error:
        logger.exception("The server of %s did not start", instance["DBInstanceIdentifier"])
        instance |= {"DBInstanceStatus": failed, "_failure": str(error)}
        return
    if (
        rds._instances.get(instance["DBInstanceIdentifier"]) is not instance
        or instance["DBInstanceStatus"] != "creating"
    ):
        # Deleted while it was being made.
        server.remove()
        return
    servers.put(instance["DBInstanceArn"], server)
    instance |= {
        "Endpoint": {"Address": "127.0.0.1", "Port": server.port, "HostedZoneId": "Z2R2ITUGPM61AM"},
        "DBInstanceStatus": "available",
    }
    logger.info("%s accepts connections on 127.0.0.1:%s", instance["DBInstanceArn"], server.port)
    for tell in on_available:
        tell(instance)


def _forget(instance: dict) -> None:
    if rds._instances.get(instance["DBInstanceIdentifier"]) is instance:
        del rds._instances[instance["DBInstanceIdentifier"]]
        rds._tags.pop(instance["DBInstanceArn"], None)


def snapshot_folder(region: str, snapshot_id: str):
    return engines.snapshot_folder(f"{region}/{snapshot_id.replace(':', '_')}")


def _record_snapshot(snapshot_id: str, instance: dict) -> dict:
    return _original["create_snapshot"](snapshot_id, instance)


def answering(action):
    """The action with its `RdsError`s as responses."""

    def answer(p):
        try:
            return action(p)
        except RdsError as error:
            return error.response()

    return answer


# MiniStack's own functions, kept when `install` puts ours in their place.
_original = {}


def ministacks(name: str):
    """One of them, for what stands in front of ours."""
    return _original[name]


def install() -> None:
    _original.update(
        create=rds._create_db_instance_impl,
        delete=rds._delete_db_instance_impl,
        start=rds._start_db_instance,
        stop=rds._stop_db_instance,
        modify=rds._modify_db_instance,
        finish_reboot=rds._finish_instance_reboot,
        create_snapshot=rds._create_snapshot_internal,
        delete_snapshot=rds._delete_db_snapshot,
        instance_xml=rds._instance_xml,
        reset=rds.reset,
        cfn_create=provisioners._rds_db_instance_create,
        cfn_update=provisioners._rds_db_instance_update,
        cfn_delete=provisioners._rds_db_instance_delete,
    )
    rds._create_db_instance_impl = _create_db_instance
    rds._delete_db_instance_impl = _delete_db_instance
    rds._finish_instance_reboot = _finish_instance_reboot
    rds._rotate_instance_password = _set_master_password
    rds._create_snapshot_internal = _create_manual_snapshot
    rds._instance_xml = _instance_xml
    for action, ours in {
        "CreateDBInstance": rds._create_db_instance,
        "DeleteDBInstance": rds._delete_db_instance,
        "CreateDBSnapshot": rds._create_db_snapshot,
        "ModifyDBInstance": _modify_db_instance,
        "StartDBInstance": _start_db_instance,
        "StopDBInstance": _stop_db_instance,
        "RestoreDBInstanceFromDBSnapshot": _restore_from_snapshot,
        "DeleteDBSnapshot": _delete_db_snapshot,
    }.items():
        rds._ACTION_MAP[action] = answering(ours)

    def reset():
        servers.remove_all()
        _original["reset"]()

    rds.reset = reset

    provisioners._rds_db_instance_create = _cloudformation_create
    provisioners._rds_db_instance_update = _cloudformation_update
    provisioners._rds_db_instance_delete = _cloudformation_delete
    provisioners._RESOURCE_HANDLERS["AWS::RDS::DBInstance"] |= {
        "create": _cloudformation_create,
        "update": _cloudformation_update,
        "delete": _cloudformation_delete,
    }
    threading.Thread(target=servers.watch_regions, name="rds-regions", daemon=True).start()


def shutdown() -> None:
    servers.close()
    engines.shutdown()
