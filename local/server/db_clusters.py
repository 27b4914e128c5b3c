"""Aurora clusters whose storage is a real server, made through the API, through CloudFormation or from snapshots.

As on AWS, a cluster that was made or restored has no instances and answers nobody, and what it holds stays when its last
instance goes: the server runs while there is one. All instances of a cluster are reached at that one server. MiniStack
keeps the records.
"""

import logging

from ministack.core.concurrency import spawn_background
from ministack.core.responses import get_account_id, get_region
from ministack.services import rds as ministack_rds
from ministack.services.cloudformation import provisioners

from . import engines, rds
from .clock import run_later
from .engines import Server
from .rds_checks import RdsError, check_identifier, check_password, check_user, checked_cluster_engine
from .rds_servers import servers

logger = logging.getLogger("local-aws.rds")

# How long a deleted cluster is still described as `deleting`, in seconds. On AWS it is minutes.
_DELETING_SECONDS = 0.5

# Called with each cluster that can be reached for the first time.
on_available: list = []


# --- What AWS Backup and automated backups need -----------------------------------------------------------------------


def find(identifier: str) -> dict | None:
    return ministack_rds._clusters.get(identifier)


def find_by_arn(arn: str) -> dict | None:
    """Of any Region."""
    _, _, _, region, account, _, identifier = arn.split(":", 6)
    return ministack_rds._clusters.get_scoped(account, region, identifier)


def create_snapshot(snapshot_id: str, cluster: dict) -> dict:
    """A real snapshot, also of a cluster without instances."""
    if cluster["Status"] != "available":
        raise RdsError(
            "InvalidDBClusterStateFault",
            f"Cannot create a snapshot because the database cluster {cluster['DBClusterIdentifier']} is {cluster['Status']}.",
        )
    folder = rds.snapshot_folder(get_region(), snapshot_id)
    try:
        with servers.get(cluster["DBClusterArn"]).awake() as server:
            server.snapshot(folder)
    except BaseException:
        engines.remove_data(folder)
        raise
    snapshot = ministack_rds._create_cluster_snapshot_internal(snapshot_id, cluster)
    return snapshot | {"SnapshotType": "awsbackup", "DatabaseName": cluster.get("DatabaseName") or ""}


def copy_snapshot(source: dict, snapshot_id: str, region: str) -> dict:
    source_region = source["DBClusterSnapshotArn"].split(":")[3]
    engines.copy_data(
        rds.snapshot_folder(source_region, source["DBClusterSnapshotIdentifier"]), rds.snapshot_folder(region, snapshot_id)
    )
    copy = {
        **source,
        "DBClusterSnapshotIdentifier": snapshot_id,
        "DBClusterSnapshotArn": f"arn:aws:rds:{region}:{get_account_id()}:cluster-snapshot:{snapshot_id}",
        "AvailabilityZones": [f"{region}a", f"{region}b", f"{region}c"],
    }
    ministack_rds._db_cluster_snapshots.set_scoped(get_account_id(), region, snapshot_id, copy)
    return copy


def delete_snapshot(snapshot_id: str, region: str) -> None:
    ministack_rds._db_cluster_snapshots.pop_scoped(get_account_id(), region, snapshot_id, None)
    engines.remove_data(rds.snapshot_folder(region, snapshot_id))


def restore(snapshot: dict, options: dict) -> dict:
    """A new cluster from a snapshot of this Region; `options` are the parameters of RestoreDBClusterFromSnapshot."""
    engine = checked_cluster_engine(ministack_rds._p(options, "Engine"))
    folder = rds.snapshot_folder(get_region(), snapshot["DBClusterSnapshotIdentifier"])
    return restore_record(snapshot, options, lambda identifier: engine.restore(folder, identifier))


def restore_record(origin: dict, options: dict, make, *, failed: str = "failed") -> dict:
    """A new cluster whose server `make` makes of its identifier; returns its record at once, in state `creating`."""
    engine = ministack_rds._p(options, "Engine") or origin["Engine"]
    if engine != origin["Engine"]:
        raise RdsError("InvalidParameterValue", f"The engine of the source is {origin['Engine']}, got '{engine}'.")
    cluster = _create_record(
        {
            "EngineVersion": origin["EngineVersion"],
            "DatabaseName": origin.get("DatabaseName") or "",
            "StorageEncrypted": str(bool(origin["StorageEncrypted"])).lower(),
            "KmsKeyId": origin.get("KmsKeyId") or "",
            **options,
            "Engine": engine,
            "MasterUsername": origin["MasterUsername"],
            # Not known and not needed: the master user of the origin keeps the password.
            "MasterUserPassword": "unchanged",
        }
    )
    _make_in_background(cluster, lambda: make(cluster["DBClusterIdentifier"]), failed)
    return cluster


# --- The API ----------------------------------------------------------------------------------------------------------


def _create(p):
    engine = checked_cluster_engine(ministack_rds._p(p, "Engine"))
    _check_master(engine, *(ministack_rds._p(p, name) for name in _MASTER))
    cluster = _create_record(p)
    response = answer("CreateDBCluster", cluster)
    _make_in_background(cluster, lambda: _new_server(engine, cluster))
    return response


def _delete(p):
    cluster = find(ministack_rds._p(p, "DBClusterIdentifier"))
    if cluster:
        identifier = cluster["DBClusterIdentifier"]
        if ministack_rds._p(p, "SkipFinalSnapshot") != "true":
            raise RdsError("InvalidParameterCombination", "The local AWS makes no last snapshot of a cluster: give SkipFinalSnapshot.")
        if cluster["Status"] in ("creating", "deleting"):
            raise RdsError("InvalidDBClusterStateFault", f"DB cluster {identifier} is {cluster['Status']}.")
        # Members that are being deleted are members still.
        if any(instance.get("DBClusterIdentifier") == identifier for instance in ministack_rds._instances.values()):
            raise RdsError("InvalidDBClusterStateFault", "Cluster cannot be deleted, it still contains DB instances.")
        cluster["_delete_automated_backups"] = ministack_rds._p(p, "DeleteAutomatedBackups") != "false"
    tags = list(ministack_rds._tags.get(cluster["DBClusterArn"], [])) if cluster else []
    response = _original["delete"](p)
    if response[0] == 200:
        ministack_rds._clusters[identifier] = cluster
        ministack_rds._tags[cluster["DBClusterArn"]] = tags
        spawn_background(lambda: servers.remove(cluster["DBClusterArn"]), thread_name=f"delete {identifier}")
        run_later(_DELETING_SECONDS, lambda: _forget(cluster))
    return response


def _create_member(p):
    """An instance of a cluster; of any other RDS's own part says what becomes of it."""
    if not (cluster_id := ministack_rds._p(p, "DBClusterIdentifier")):
        return _original["create_instance"](p)
    identifier = rds.checked_identifier(p)
    rds.check_placement(p)
    cluster = find(cluster_id)
    if cluster is None:
        raise RdsError("DBClusterNotFoundFault", f"DBCluster {cluster_id} not found.")
    if cluster["Status"] != "available":
        raise RdsError("InvalidDBClusterStateFault", f"DB cluster {cluster_id} is {cluster['Status']}.")
    if ministack_rds._p(p, "Engine") != cluster["Engine"]:
        raise RdsError(
            "InvalidParameterCombination",
            f"The engine of DB cluster {cluster_id} is {cluster['Engine']}, got '{ministack_rds._p(p, 'Engine')}'.",
        )
    response = _original["create_record"]({**p, "DBInstanceIdentifier": identifier})
    rds.succeed(response)
    instance = ministack_rds._instances[identifier]
    instance |= {"DBInstanceStatus": "creating", "Endpoint": {}, "VpcSecurityGroups": cluster["VpcSecurityGroups"]}
    spawn_background(lambda: _reach(cluster, instance), thread_name=f"start {identifier}")
    return ministack_rds._single_instance_response("CreateDBInstanceResponse", "CreateDBInstanceResult", instance)


def _delete_member(p):
    instance = ministack_rds._resolve_instance(ministack_rds._p(p, "DBInstanceIdentifier"))
    response = _original["delete_instance"](p)
    if response[0] == 200:
        _rest_without_members(instance.get("DBClusterIdentifier"))
    return response


# --- CloudFormation ---------------------------------------------------------------------------------------------------


def _cloudformation_create(logical_id, props, stack_name):
    try:
        engine = checked_cluster_engine(props.get("Engine", ""))
        if props.get("ManageMasterUserPassword"):
            raise RdsError("InvalidParameterCombination", "the local AWS manages no master user passwords: give MasterUserPassword")
        _check_master(engine, *(props.get(name, "") for name in _MASTER))
    except RdsError as error:
        raise ValueError(f"AWS::RDS::DBCluster create failed: {error.code}: {error}") from error
    identifier, _ = _original["cfn_create"](logical_id, props, stack_name)
    cluster = ministack_rds._clusters[identifier]
    tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in props.get("Tags", [])]
    cluster |= {"TagList": tags, "KmsKeyId": props.get("KmsKeyId") or ""}
    ministack_rds._tags[cluster["DBClusterArn"]] = list(tags)
    _make(cluster, lambda: _new_server(engine, cluster), "failed")
    if cluster["Status"] != "available":
        raise ValueError(f"AWS::RDS::DBCluster create failed: {cluster['_failure']}")
    return identifier, provisioners._rds_db_cluster_attrs(cluster)


def _cloudformation_update(physical_id, old_props, new_props, stack_name, logical_id=None):
    identifier, _ = _original["cfn_update"](physical_id, old_props, new_props, stack_name, logical_id)
    cluster = ministack_rds._clusters[identifier]
    server = servers.get(cluster["DBClusterArn"])
    cluster["Port"] = server.port
    if identifier == physical_id and new_props.get("MasterUserPassword") != old_props.get("MasterUserPassword"):
        with server.awake():
            server.set_password(cluster["MasterUsername"], new_props["MasterUserPassword"])
    return identifier, provisioners._rds_db_cluster_attrs(cluster)


def _cloudformation_delete(physical_id, props):
    cluster = find(physical_id)
    if cluster is None:
        return
    if cluster.get("DeletionProtection"):
        raise ValueError(
            "AWS::RDS::DBCluster delete failed: InvalidParameterCombination: Cannot delete protected Cluster, please disable "
            "deletion protection and try again."
        )
    _original["cfn_delete"](physical_id, props)
    ministack_rds._tags.pop(cluster["DBClusterArn"], None)
    servers.remove(cluster["DBClusterArn"])


def _cloudformation_create_member(logical_id, props, stack_name):
    if not (cluster_id := props.get("DBClusterIdentifier")):
        return _original["cfn_create_instance"](logical_id, props, stack_name)
    cluster = find(cluster_id)
    if cluster is None:
        raise ValueError(f"AWS::RDS::DBInstance create failed: DBCluster {cluster_id} not found.")
    identifier, _ = _original["cfn_create_record"](logical_id, props, stack_name)
    instance = ministack_rds._instances[identifier]
    ministack_rds._tags[instance["DBInstanceArn"]] = list(instance["TagList"])
    _reach(cluster, instance)
    if instance["DBInstanceStatus"] != "available":
        raise ValueError(f"AWS::RDS::DBInstance create failed: {instance['_failure']}")
    return identifier, provisioners._rds_db_instance_attrs(instance)


def _cloudformation_delete_member(physical_id, props):
    instance = ministack_rds._instances.get(physical_id)
    _original["cfn_delete_instance"](physical_id, props)
    if instance:
        _rest_without_members(instance.get("DBClusterIdentifier"))


# --- Parts ------------------------------------------------------------------------------------------------------------

_MASTER = ("MasterUsername", "MasterUserPassword")


def _check_master(engine, user: str, password: str) -> None:
    check_user(engine, user)
    check_password(engine, password)


def _new_server(engine, cluster: dict) -> Server:
    user, password = cluster["MasterUsername"], cluster["_MasterUserPassword"]
    return engine.create(cluster["DBClusterIdentifier"], user, password, cluster.get("DatabaseName"))


def _create_record(p) -> dict:
    """MiniStack's record of a new cluster, checked more strictly, in state `creating`."""
    identifier = ministack_rds._p(p, "DBClusterIdentifier").lower()
    check_identifier(identifier, "DBClusterIdentifier")
    if ministack_rds._p(p, "DBClusterInstanceClass"):
        raise RdsError("InvalidParameterValue", "The local AWS has no Multi-AZ DB clusters.")
    rds.check_placement(p)
    rds.succeed(_original["create"]({**p, "DBClusterIdentifier": identifier}))
    cluster = ministack_rds._clusters[identifier]
    cluster["Status"] = "creating"
    return cluster


def _make_in_background(cluster: dict, make, failed: str = "failed") -> None:
    spawn_background(lambda: _make(cluster, make, failed), thread_name=f"make {cluster['DBClusterIdentifier']}")


def _make(cluster: dict, make, failed: str) -> None:
    """Until it can take instances: where it is reached is known from then on."""
    try:
        server = make()
        server.stop()
    except Exception as error:
        logger.exception("The storage of %s was not made", cluster["DBClusterIdentifier"])
        cluster |= {"Status": failed, "_failure": str(error)}
        return
    servers.put(cluster["DBClusterArn"], server)
    cluster |= {
        "Endpoint": "127.0.0.1",
        "ReaderEndpoint": "127.0.0.1",
        "Port": server.port,
        # MiniStack gives it to each member.
        "_shared_endpoint": {"Address": "127.0.0.1", "Port": server.port, "HostedZoneId": "Z2R2ITUGPM61AM"},
        "Status": "available",
    }


def _reach(cluster: dict, instance: dict) -> None:
    """The cluster answers from its first instance on."""
    server = servers.get(cluster["DBClusterArn"])
    try:
        server.start(server.port)
    except Exception as error:
        logger.exception("The server of %s did not start", cluster["DBClusterIdentifier"])
        instance |= {"DBInstanceStatus": "failed", "_failure": str(error)}
        return
    instance |= {"Endpoint": dict(cluster["_shared_endpoint"]), "DBInstanceStatus": "available"}
    logger.info("%s accepts connections on 127.0.0.1:%s", cluster["DBClusterArn"], server.port)
    for tell in on_available:
        tell(cluster)


def _rest_without_members(cluster_id: str | None) -> None:
    cluster = find(cluster_id) if cluster_id else None
    if cluster and not cluster["DBClusterMembers"] and (server := servers.get(cluster["DBClusterArn"])):
        server.stop()


def _forget(cluster: dict) -> None:
    if find(cluster["DBClusterIdentifier"]) is cluster:
        del ministack_rds._clusters[cluster["DBClusterIdentifier"]]
        ministack_rds._tags.pop(cluster["DBClusterArn"], None)


def answer(action: str, cluster: dict):
    return ministack_rds._xml(
        200, f"{action}Response", f"<{action}Result><DBCluster>{ministack_rds._cluster_xml(cluster)}</DBCluster></{action}Result>"
    )


# MiniStack's functions and those of rds.py, kept when `install` puts ours in their place.
_original = {}


def install() -> None:
    """After rds.py, in front of which it stands where instances are those of clusters."""
    _original.update(
        create=ministack_rds._create_db_cluster,
        delete=ministack_rds._delete_db_cluster,
        create_record=rds.ministacks("create"),
        create_instance=ministack_rds._ACTION_MAP["CreateDBInstance"],
        delete_instance=ministack_rds._ACTION_MAP["DeleteDBInstance"],
        cfn_create=provisioners._rds_db_cluster_create,
        cfn_update=provisioners._rds_db_cluster_update,
        cfn_delete=provisioners._rds_db_cluster_delete,
        cfn_create_record=rds.ministacks("cfn_create"),
        cfn_create_instance=provisioners._rds_db_instance_create,
        cfn_delete_instance=provisioners._rds_db_instance_delete,
    )
    for action, ours in {
        "CreateDBCluster": _create,
        "DeleteDBCluster": _delete,
        "CreateDBInstance": _create_member,
        "DeleteDBInstance": _delete_member,
    }.items():
        ministack_rds._ACTION_MAP[action] = rds.answering(ours)
    provisioners._rds_db_cluster_create = _cloudformation_create
    provisioners._rds_db_cluster_delete = _cloudformation_delete
    provisioners._rds_db_instance_create = _cloudformation_create_member
    provisioners._rds_db_instance_delete = _cloudformation_delete_member
    provisioners._RESOURCE_HANDLERS["AWS::RDS::DBCluster"] |= {
        "create": _cloudformation_create,
        "update": _cloudformation_update,
        "delete": _cloudformation_delete,
    }
    provisioners._RESOURCE_HANDLERS["AWS::RDS::DBInstance"] |= {
        "create": _cloudformation_create_member,
        "delete": _cloudformation_delete_member,
    }
