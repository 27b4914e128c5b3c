"""RDS's automated backups, replicated to another Region or of the source's own, and what is restored from them to a point in time.

A replica is a base backup of the source's server and what the server logged since; it lies in the folder of the DR
Region, so that it outlives the source and its Region. Logs leave the source every `logShippingSeconds` and arrive
`automatedBackupReplicationSeconds` later; what was on its way when the Region went is lost. A restore is the engine's own
recovery to a time. Automated backups of an instance or cluster in its own Region are kept in the same way where the starter asks
for them (`automatedBackups`); else they are records without a restore window. Those of clusters are not replicated.
"""

import logging
import re
import secrets
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from xml.sax.saxutils import escape

from ministack.core.concurrency import spawn_background
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import kms
from ministack.services import rds as ministack_rds

from . import db_clusters, engines, faults, rds, settings
from .rds_checks import RdsError, checked_cluster_engine, checked_engine

logger = logging.getLogger("local-aws.automated-backups")

# "You can have up to 20 backup replications to one destination Region" (RDS user guide, quotas).
_MAX_REPLICAS = 20

# Replicas by their ARN; each belongs to the Region that it was replicated to.
_replicas = AccountRegionScopedDict()

# What a Region keeps of its own instances and clusters, by their resource id.
_own = AccountRegionScopedDict()


class _Instances:
    """Where a record of this kind has what is needed of it."""

    arn, identifier, resource_id = "DBInstanceArn", "DBInstanceIdentifier", "DbiResourceId"
    created = ("AllocatedStorage", "Engine", "EngineVersion", "MasterUsername", "StorageType", "InstanceCreateTime")
    encrypted = "Encrypted"
    find_by_arn = staticmethod(rds.find_instance_by_arn)
    checked_engine = staticmethod(checked_engine)


class _Clusters:
    arn, identifier, resource_id = "DBClusterArn", "DBClusterIdentifier", "DbClusterResourceId"
    created = ("AllocatedStorage", "Engine", "EngineMode", "EngineVersion", "MasterUsername", "Port", "ClusterCreateTime")
    encrypted = "StorageEncrypted"
    find_by_arn = staticmethod(db_clusters.find_by_arn)
    checked_engine = staticmethod(checked_cluster_engine)


class _Replica:
    """What one Region holds of the automated backups of an instance in another."""

    kind = _Instances

    def __init__(self, source: dict, retention_days: int, kms_key_id: str):
        self.id = f"ab-{secrets.token_hex(16)}"
        self.arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:auto-backup:{self.id}"
        self.region = get_region()
        # As it was when it was last seen: the source may go.
        self.source = dict(source)
        self.retention_days = retention_days
        self.kms_key_id = kms_key_id
        self.status = "creating"
        self.earliest = None
        self.latest = None
        self._log_name = self.id.replace("-", "_")
        self._ended = threading.Event()

    @property
    def source_arn(self) -> str:
        return self.source[self.kind.arn]

    @property
    def resource_id(self) -> str:
        return self.source[self.kind.resource_id]

    @property
    def base(self) -> Path:
        return self._folder / "base"

    @property
    def logs(self) -> Path:
        return self._folder / "logs"

    @property
    def _folder(self) -> Path:
        return engines.snapshot_folder(f"{self.region}/{self.id}")

    def follow(self) -> None:
        """Replicates until `end`, or until the source is no more."""
        while not self._ended.wait(settings.DURATIONS["logShippingSeconds"]):
            try:
                self._replicate()
            except Exception as error:
                if not self._is_cut_off():
                    logger.warning("%s was not replicated: %s", self.source_arn, error)

    def end(self) -> None:
        self._ended.set()
        self.status = "retained"
        if server := rds.server_of(self.source_arn):
            server.forget_logs(self._log_name)

    def remove(self) -> None:
        self._ended.set()
        engines.remove_data(self._folder)

    def _replicate(self) -> None:
        source = self.kind.find_by_arn(self.source_arn)
        if source is None or source[self.kind.resource_id] != self.resource_id:
            # "retained: automated backups for deleted instances and after backup replication is stopped"
            return self.end()
        server = rds.server_of(self.source_arn)
        if self._is_cut_off() or server is None or not server.running:
            return None
        self.source = dict(source)
        if self.earliest is None:
            server.keep_logs(self._log_name)
            server.snapshot(self.base)
            self.earliest = time.time()
            return None
        moment = time.time()
        self._ended.wait(self._transfer_seconds())
        if self._is_cut_off() or self._ended.is_set():
            return None
        server.ship_logs(self._log_name, self.logs)
        self.latest = moment
        self.status = self._running_status
        return None

    _running_status = "replicating"

    @staticmethod
    def _transfer_seconds() -> float:
        return settings.DURATIONS["automatedBackupReplicationSeconds"]

    def _is_cut_off(self) -> bool:
        return (
            faults.region_gone(self.source_arn.split(":")[3])
            or faults.region_gone(self.region)
            or faults.matching("automated-backup-replication-paused", self.source_arn) is not None
        )


class _Own(_Replica):
    """What a Region keeps of an instance or a cluster of its own."""

    _running_status = "active"

    def __init__(self, kind, source: dict):
        self.kind = kind
        super().__init__(source, int(source["BackupRetentionPeriod"]), source.get("KmsKeyId") or "")
        # AWS names what is replicated by an ARN, this by the resource id of its source.
        self.arn = ""
        # The record itself, where its deletion says what shall become of this.
        self._record = source

    @staticmethod
    def _transfer_seconds() -> float:
        return 0

    def end(self) -> None:
        """The source was deleted: "retained" where it was to keep its automated backups, which is not the default."""
        super().end()
        if self._record.get("_delete_automated_backups", True):
            _own.pop_scoped(get_account_id(), self.region, self.resource_id, None)
            self.remove()


def _keep_own(kind, source: dict) -> None:
    """Begins when it is available for the first time."""
    if settings.AUTOMATED_BACKUPS and int(source["BackupRetentionPeriod"]) > 0 and source[kind.resource_id] not in _own:
        own = _own[source[kind.resource_id]] = _Own(kind, source)
        spawn_background(own.follow, thread_name=f"keep {own.id}")


# --- The API ----------------------------------------------------------------------------------------------------------


def _start_replication(p):
    arn = ministack_rds._p(p, "SourceDBInstanceArn")
    source_region = _region_of_instance(arn)
    if source_region == get_region():
        raise RdsError(
            "InvalidParameterValue",
            f"Automated backups of {arn} cannot be replicated to its own Region: call the Region that they shall be in.",
        )
    instance = rds.find_instance_by_arn(arn)
    if instance is None or faults.region_gone(source_region):
        raise RdsError("DBInstanceNotFound", f"DBInstance {arn} not found.")
    if instance["DBInstanceStatus"] in ("creating", "deleting", "failed"):
        raise RdsError("InvalidDBInstanceState", f"DB instance {arn} is {instance['DBInstanceStatus']}.")
    if int(instance["BackupRetentionPeriod"]) == 0:
        raise RdsError("InvalidDBInstanceState", f"Automated backups are not enabled for DB instance {arn}.")
    retention_days = int(ministack_rds._p(p, "BackupRetentionPeriod") or 7)
    if not 1 <= retention_days <= 35:
        raise RdsError("InvalidParameterValue", f"Invalid backup retention period: {retention_days}. Must be 1 to 35.")
    key = ministack_rds._p(p, "KmsKeyId")
    _check_key(instance, key)

    replica = next((each for each in _replicas.values() if _replicates(each, arn)), None)
    if replica is None:
        if sum(each.status != "retained" for each in _replicas.values()) >= _MAX_REPLICAS:
            raise RdsError(
                "DBInstanceAutomatedBackupQuotaExceeded",
                f"The quota for retained automated backups was exceeded: {_MAX_REPLICAS} replications to {get_region()}.",
            )
        replica = _Replica(instance, retention_days, key)
        _replicas[replica.arn] = replica
        spawn_background(replica.follow, thread_name=f"replicate {replica.id}")
    elif replica.kms_key_id != key:
        raise RdsError("InvalidDBInstanceAutomatedBackupState", f"{replica.arn} is encrypted with another key.")
    # Asked again: another retention.
    replica.retention_days = retention_days
    return _answer("StartDBInstanceAutomatedBackupsReplication", _replica_xml(replica))


def _stop_replication(p):
    arn = ministack_rds._p(p, "SourceDBInstanceArn")
    _region_of_instance(arn)
    replica = next((each for each in _replicas.values() if _replicates(each, arn)), None)
    if replica is None:
        raise RdsError("DBInstanceNotFound", f"Automated backups of {arn} are not replicated to {get_region()}.")
    replica.end()
    return _answer("StopDBInstanceAutomatedBackupsReplication", _replica_xml(replica))


def _describe(p):
    identifier, resource_id, arn = (
        ministack_rds._p(p, name).lower()
        for name in ("DBInstanceIdentifier", "DbiResourceId", "DBInstanceAutomatedBackupsArn")
    )
    filters = ministack_rds._parse_filters(p)
    unknown = sorted(filters.keys() - {"status", "db-instance-id", "dbi-resource-id"})
    if unknown:
        raise RdsError("InvalidParameterValue", f"Unrecognized filter name: {', '.join(unknown)}")
    found = [
        (record, xml)
        for record, xml in _all_of_region(_Instances, ministack_rds._instances)
        if identifier in ("", record["DBInstanceIdentifier"])
        and resource_id in ("", record["DbiResourceId"].lower())
        and arn in ("", record["arn"].lower())
        and record["Status"] in filters.get("status", [record["Status"]])
        and {record["DBInstanceIdentifier"], record["DBInstanceArn"]}
        & set(filters.get("db-instance-id", [record["DBInstanceArn"]]))
        and record["DbiResourceId"] in filters.get("dbi-resource-id", [record["DbiResourceId"]])
    ]
    if arn and not found:
        raise RdsError("DBInstanceAutomatedBackupNotFound", f"{arn} not found.")
    members = "".join(f"<DBInstanceAutomatedBackup>{xml}</DBInstanceAutomatedBackup>" for _, xml in found)
    return _xml("DescribeDBInstanceAutomatedBackups", f"<DBInstanceAutomatedBackups>{members}</DBInstanceAutomatedBackups>")


def _delete(p):
    replica = _find(ministack_rds._p(p, "DBInstanceAutomatedBackupsArn"))
    if replica.status != "retained":
        raise RdsError(
            "InvalidDBInstanceAutomatedBackupState",
            f"{replica.arn} is {replica.status}: stop its replication before it is deleted.",
        )
    _replicas.pop(replica.arn)
    replica.remove()
    return _answer("DeleteDBInstanceAutomatedBackup", _replica_xml(replica))


def _restore(p):
    replica = _source(p)
    identifier = ministack_rds._p(p, "TargetDBInstanceIdentifier")
    make = _to_moment(replica, p, "RestoreTime")
    instance = rds.restore_record(
        {**replica.source, "KmsKeyId": replica.kms_key_id},
        {**_asked(p, replica), "DBInstanceIdentifier": identifier},
        lambda: make(identifier),
        failed="incompatible-restore",
    )
    return ministack_rds._single_instance_response(
        "RestoreDBInstanceToPointInTimeResponse", "RestoreDBInstanceToPointInTimeResult", instance
    )


def _restore_cluster(p):
    replica = _source_cluster(p)
    make = _to_moment(replica, p, "RestoreToTime")
    cluster = db_clusters.restore_record(replica.source, _asked(p, replica), make, failed="failed")
    return db_clusters.answer("RestoreDBClusterToPointInTime", cluster)


def _describe_clusters(p):
    asked = {name: ministack_rds._p(p, name).lower() for name in (_Clusters.identifier, _Clusters.resource_id)}
    members = "".join(
        f"<DBClusterAutomatedBackup>{xml}</DBClusterAutomatedBackup>"
        for record, xml in _all_of_region(_Clusters, ministack_rds._clusters)
        if all(value in ("", record[name].lower()) for name, value in asked.items())
    )
    return _xml("DescribeDBClusterAutomatedBackups", f"<DBClusterAutomatedBackups>{members}</DBClusterAutomatedBackups>")


# --- Parts ------------------------------------------------------------------------------------------------------------


def _region_of_instance(arn: str) -> str:
    match = re.fullmatch(r"arn:aws:rds:([a-z0-9-]+):\d{12}:db:[a-z0-9-]+", arn)
    if not match:
        raise RdsError("InvalidParameterValue", f"SourceDBInstanceArn must be the ARN of a DB instance, got '{arn}'.")
    return match[1]


def _check_key(instance: dict, key: str) -> None:
    if not instance.get("StorageEncrypted"):
        return
    if not key:
        raise RdsError(
            "InvalidParameterCombination", "KmsKeyId must be given to replicate the backups of an encrypted DB instance."
        )
    if (key.startswith("arn:") and key.split(":")[3] != get_region()) or kms._resolve_key(key) is None:
        raise RdsError("KMSKeyNotAccessibleFault", f"KMS key {key} is not there or not enabled in {get_region()}.")


def _replicates(replica: _Replica, source_arn: str) -> bool:
    return replica.source_arn == source_arn and replica.status != "retained"


def _find(arn: str) -> _Replica:
    replica = _replicas.get(arn)
    if replica is None:
        raise RdsError("DBInstanceAutomatedBackupNotFound", f"Automated backup {arn} not found in {get_region()}.")
    return replica


def _source(p) -> _Replica:
    """Of the three ways to name it one must be taken."""
    names = ("SourceDBInstanceAutomatedBackupsArn", "SourceDbiResourceId", "SourceDBInstanceIdentifier")
    given = {name: value for name in names if (value := ministack_rds._p(p, name))}
    if len(given) != 1:
        raise RdsError(
            "InvalidParameterCombination" if given else "InvalidParameterValue",
            f"Exactly one of {', '.join(names)} must be given, got {', '.join(given) or 'nothing'}.",
        )
    [(name, value)] = given.items()
    if name == "SourceDBInstanceAutomatedBackupsArn":
        return _find(value)
    return _own_of(_Instances, "DbiResourceId" if name == "SourceDbiResourceId" else "DBInstanceIdentifier", value)


def _source_cluster(p) -> _Replica:
    resource_id, identifier = (ministack_rds._p(p, f"Source{name}") for name in ("DbClusterResourceId", "DBClusterIdentifier"))
    if bool(resource_id) == bool(identifier):
        raise RdsError(
            "InvalidParameterCombination", "Either SourceDBClusterIdentifier or SourceDbClusterResourceId must be given."
        )
    return _own_of(_Clusters, *((_Clusters.resource_id, resource_id) if resource_id else (_Clusters.identifier, identifier)))


def _own_of(kind, key: str, value: str) -> _Replica:
    found = next((own for own in _own.values() if own.kind is kind and own.source[key].lower() == value.lower()), None)
    if found is None:
        raise RdsError(
            f"DB{'Cluster' if kind is _Clusters else 'Instance'}NotFound{'Fault' if kind is _Clusters else ''}",
            f"No automated backups of {value} are kept in {get_region()} (the local AWS keeps them where it is started with "
            "automatedBackups).",
        )
    return found


def _asked(p, replica: _Replica) -> dict:
    """Of a restore: backups of what is made are kept as those of its source, unless it says otherwise."""
    return {
        **{name: value for name, value in p.items() if name not in ("Action", "Version")},
        "BackupRetentionPeriod": ministack_rds._p(p, "BackupRetentionPeriod") or str(replica.source["BackupRetentionPeriod"]),
    }


def _to_moment(replica: _Replica, p, parameter: str):
    """Makes the server of a restore, by the name of its data."""
    moment = _moment(p, replica, parameter)
    is_latest = ministack_rds._p(p, "UseLatestRestorableTime") == "true"
    damaged = faults.matching("automated-backup-damaged", f"{replica.arn} {replica.source_arn}")
    engine = replica.kind.checked_engine(replica.source["Engine"])
    base, logs = replica.base, replica.logs

    def make(name: str):
        time.sleep(settings.DURATIONS["restoreSeconds"])
        return engine.restore_to_moment(base, logs, name, moment, is_latest=is_latest, without_logs=damaged is not None)

    return make


def _moment(p, replica: _Replica, parameter: str) -> float:
    wanted, latest = ministack_rds._p(p, parameter), ministack_rds._p(p, "UseLatestRestorableTime") == "true"
    if bool(wanted) == latest:
        raise RdsError(
            "InvalidParameterCombination", f"Either {parameter} or UseLatestRestorableTime must be given, and not both."
        )
    if replica.latest is None:
        raise RdsError(
            "InvalidDBInstanceAutomatedBackupState", f"{replica.arn} is {replica.status}: nothing can be restored from it yet."
        )
    if latest:
        return replica.latest
    moment = datetime.fromisoformat(wanted.replace("Z", "+00:00")).timestamp()
    if not replica.earliest <= moment < replica.latest:
        raise RdsError(
            "InvalidParameterValue",
            f"The specified instance cannot be restored to {wanted}: it must be from {_iso(replica.earliest)} and before "
            f"{_iso(replica.latest)}.",
        )
    return moment


def _all_of_region(kind, sources):
    """Of what is of that kind here, and what was replicated here."""
    for source in sources.values():
        # Those of a member are its cluster's.
        if int(source["BackupRetentionPeriod"]) > 0 and not (kind is _Instances and source.get("DBClusterIdentifier")):
            if source[kind.resource_id] in _own:
                continue
            record = {**_key_of(kind, source), "Status": "creating", "arn": ""}
            yield record, _backup_xml(kind, source, record["Status"], get_region(), source["BackupRetentionPeriod"])
    for replica in (*_own.values(), *_replicas.values()):
        if replica.kind is kind:
            yield {**_key_of(kind, replica.source), "Status": replica.status, "arn": replica.arn}, _replica_xml(replica)


def _key_of(kind, source: dict) -> dict:
    return {name: source[name] for name in (kind.identifier, kind.arn, kind.resource_id)}


def _replica_xml(replica: _Replica) -> str:
    window = (
        f"<RestoreWindow><EarliestTime>{_iso(replica.earliest)}</EarliestTime>"
        f"<LatestTime>{_iso(replica.latest)}</LatestTime></RestoreWindow>"
        if replica.latest is not None
        else ""
    )
    region = replica.source_arn.split(":")[3]
    return (
        _backup_xml(replica.kind, replica.source, replica.status, region, replica.retention_days)
        + window
        + (f"<DBInstanceAutomatedBackupsArn>{replica.arn}</DBInstanceAutomatedBackupsArn>" if replica.arn else "")
        + (f"<KmsKeyId>{escape(replica.kms_key_id)}</KmsKeyId>" if replica.kms_key_id else "")
    )


def _backup_xml(kind, source: dict, status: str, region: str, retention_days) -> str:
    fields = {
        **_key_of(kind, source),
        "Region": region,
        "Status": status,
        "BackupRetentionPeriod": retention_days,
        kind.encrypted: str(bool(source.get("StorageEncrypted"))).lower(),
        **{name: source[name] for name in kind.created},
    }
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())


def _answer(action: str, xml: str):
    return _xml(action, f"<DBInstanceAutomatedBackup>{xml}</DBInstanceAutomatedBackup>")


def _xml(action: str, content: str):
    return ministack_rds._xml(200, f"{action}Response", f"<{action}Result>{content}</{action}Result>")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def install() -> None:
    for action, ours in {
        "StartDBInstanceAutomatedBackupsReplication": _start_replication,
        "StopDBInstanceAutomatedBackupsReplication": _stop_replication,
        "DescribeDBInstanceAutomatedBackups": _describe,
        "DeleteDBInstanceAutomatedBackup": _delete,
        "RestoreDBInstanceToPointInTime": _restore,
        "DescribeDBClusterAutomatedBackups": _describe_clusters,
        "RestoreDBClusterToPointInTime": _restore_cluster,
    }.items():
        ministack_rds._ACTION_MAP[action] = rds.answering(ours)
    rds.on_available.append(lambda instance: _keep_own(_Instances, instance))
    db_clusters.on_available.append(lambda cluster: _keep_own(_Clusters, cluster))
    reset = ministack_rds.reset

    def reset_all():
        _remove_all()
        reset()

    ministack_rds.reset = reset_all


def _remove_all() -> None:
    for kept in (_own, _replicas):
        for replica in list(kept._data.values()):
            replica.remove()
        kept._data.clear()


def shutdown() -> None:
    for replica in [*_own._data.values(), *_replicas._data.values()]:
        replica._ended.set()
