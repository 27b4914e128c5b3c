"""What a call asks for, as the Service Authorization Reference of AWS has it: actions, each on a resource, with the keys
that conditions compare. Of S3 and of what no function of this project calls, MiniStack's own tables say it."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions
from ministack.services import ecs, kms, rds, s3, secretsmanager


@dataclass(frozen=True)
class Request:
    service: str
    region: str
    account: str
    method: str
    path: str
    # As it was sent: what is between two slashes may contain one.
    raw_path: str
    headers: dict
    query: dict
    body: bytes


@dataclass(frozen=True)
class Check:
    action: str
    resource: str
    context: dict = field(default_factory=dict)


def checks_of(request: Request) -> list[Check]:
    """Each of them must be allowed. None for a call that nobody needs a permission for."""
    known = _KNOWN.get(request.service)
    return known(request) if known else _as_ministack_has_it(request)


def _as_ministack_has_it(request: Request) -> list[Check]:
    parts = (request.service, request.method, request.path, request.headers, request.body)
    action = iam_actions.extract_iam_action(*parts, request.query)
    if action is None:
        return []
    form = _form(request)
    resource = iam_actions.extract_resource_arn(*parts, form, request.region, request.account)
    return [Check(action, resource, iam_actions.request_tag_context(request.service, action, request.body, form))]


def _s3(request: Request) -> list[Check]:
    action = iam_actions._s3_action(request.method, request.path, request.query)
    if action is None:
        return []
    action = f"s3:{action}"
    parts = (request.method, request.path, request.headers)
    resource = iam_actions.extract_resource_arn("s3", *parts, request.body, request.query, "", "")
    context = iam_actions.s3_service_context(action, request.query, request.path, request.headers)
    checks = [Check(action, resource, context)]
    for header, needed in _BY_HEADER.items():
        if action == "s3:PutObject" and header in request.headers:
            checks.append(Check(needed, resource))
    bucket, _, key = request.path.lstrip("/").partition("/")
    if action == "s3:GetObject" and key not in (s3._buckets.get(bucket) or {}).get("objects", {}):
        # Whoever may not list is not told that something is missing, but that it may not be read.
        checks.append(Check("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    more = iam_actions.s3_additional_checks(*parts, request.body, request.query)
    return checks + [Check(action, resource) for action, resource in more]


_BY_HEADER = {
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-acl": "s3:PutObjectAcl",
}


def _kms(request: Request) -> list[Check]:
    asked = _json(request)
    action = f"kms:{_target(request)}"
    if not asked.get("KeyId"):
        return [Check(action, "*")]
    context = {f"kms:{name}": asked[name] for name in ("MacAlgorithm", "ReplicaRegion") if name in asked}
    checks = [Check(action, _key_arn(request, asked["KeyId"]), {**context, **_aliases_of(request, asked["KeyId"])})]
    if _target(request) == "ReplicateKey":
        checks.append(Check("kms:CreateKey", "*"))
    return checks


def _key_arn(request: Request, key: str) -> str:
    """By its id, ARN or alias."""
    record = kms._resolve_key(key)
    if record:
        return record["Arn"]
    return key if key.startswith("arn:") else f"arn:aws:kms:{request.region}:{request.account}:key/{key}"


def _aliases_of(request: Request, key: str) -> dict:
    record = kms._resolve_key(key)
    names = [arn.partition(":alias/")[2] for arn, key_id in kms._aliases.items() if record and key_id == record["KeyId"]]
    return {"kms:ResourceAliases": [f"alias/{name}" for name in names]} if names else {}


def _cloudwatch(request: Request) -> list[Check]:
    action = _target(request) or _form(request).get("Action", [""])[0]
    if action != "PutMetricData":
        return [Check(f"cloudwatch:{action}", "*")]
    namespace = _json(request).get("Namespace") or _form(request).get("Namespace", [None])[0]
    return [Check("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": namespace})]


def _secrets(request: Request) -> list[Check]:
    secret = _json(request).get("SecretId", "*")
    record = secretsmanager._resolve(secret)[1] or {}
    arn = record.get("ARN", secret)
    tags = {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in record.get("Tags", [])}
    return [Check(f"secretsmanager:{_target(request)}", arn, tags)]


def _lambda(request: Request) -> list[Check]:
    parts = _segments(request)
    version = (request.query.get("Qualifier") or [None])[0]
    match parts:
        case [_, "functions", name, "invocations"]:
            return [Check("lambda:InvokeFunction", _function_arn(request, name, version))]
        case [_, "functions", name, "durable-executions"]:
            return [Check("lambda:ListDurableExecutionsByFunction", _function_arn(request, name, None))]
        case [_, "durable-executions", execution]:
            return [Check("lambda:GetDurableExecution", execution)]
        case [_, "durable-executions", execution, "checkpoint"]:
            return [Check("lambda:CheckpointDurableExecution", "*")]
        case [_, "durable-executions", execution, "state"]:
            return [Check("lambda:GetDurableExecutionState", "*")]
    return _as_ministack_has_it(request)


def _function_arn(request: Request, name: str, version: str | None) -> str:
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{request.region}:{request.account}:function:{name}"
    return f"{arn}:{version}" if version else arn


def _backup(request: Request) -> list[Check]:
    parts = _segments(request)
    vault_arn = f"arn:aws:backup:{request.region}:{request.account}:backup-vault:"
    plan_arn = f"arn:aws:backup:{request.region}:{request.account}:backup-plan:"
    match request.method, parts:
        case "GET", ["backup-vaults", vault, "recovery-points"]:
            return [Check("backup:ListRecoveryPointsByBackupVault", vault_arn + vault)]
        case "GET", ["backup-vaults", _, "recovery-points", point]:
            return [Check("backup:DescribeRecoveryPoint", point)]
        case "GET", ["backup-vaults", _, "recovery-points", point, "restore-metadata"]:
            return [Check("backup:GetRecoveryPointRestoreMetadata", point)]
        case "PUT", ["restore-jobs"]:
            asked = _json(request)
            passed = {"iam:PassedToService": "backup.amazonaws.com"}
            return [
                Check("backup:StartRestoreJob", asked.get("RecoveryPointArn", "*")),
                Check("iam:PassRole", asked.get("IamRoleArn", "*"), passed),
            ]
        case "GET", ["restore-jobs"]:
            return [Check("backup:ListRestoreJobs", "*")]
        case "GET", ["restore-jobs", _]:
            return [Check("backup:DescribeRestoreJob", "*")]
        case "PUT", ["restore-jobs", _, "validations"]:
            return [Check("backup:PutRestoreValidationResult", "*")]
        case "GET", ["backup", "plans", plan]:
            return [Check("backup:GetBackupPlan", plan_arn + plan)]
        case "GET", ["backup", "plans", plan, "selections"]:
            return [Check("backup:ListBackupSelections", plan_arn + plan)]
        case "GET", ["backup", "plans", plan, "selections", _]:
            return [Check("backup:GetBackupSelection", plan_arn + plan)]
    # Nothing here calls anything else: whoever begins to must say what it asks for.
    return [Check(f"backup:{request.method} {request.path}", "*")]


# What a call names, and what kind of resource that is. One that names none asks for all of the kind.
_RDS_RESOURCES = {
    "DescribeDBInstances": {"db": "DBInstanceIdentifier"},
    "DescribeDBClusters": {"cluster": "DBClusterIdentifier"},
    "DeleteDBInstance": {"db": "DBInstanceIdentifier"},
    "DeleteDBCluster": {"cluster": "DBClusterIdentifier"},
    "CreateDBInstance": {"db": "DBInstanceIdentifier", "subgrp": "DBSubnetGroupName", "pg": "DBParameterGroupName",
                         "og": "OptionGroupName", "cluster": "DBClusterIdentifier"},
    "RestoreDBInstanceToPointInTime": {"db": "TargetDBInstanceIdentifier", "subgrp": "DBSubnetGroupName",
                                       "pg": "DBParameterGroupName", "og": "OptionGroupName"},
    "RestoreDBClusterToPointInTime": {"cluster": "DBClusterIdentifier", "subgrp": "DBSubnetGroupName",
                                      "cluster-pg": "DBClusterParameterGroupName", "og": "OptionGroupName"},
}
# Those of which the ARN is given.
_RDS_ARNS = {
    "StartDBInstanceAutomatedBackupsReplication": "SourceDBInstanceArn",
    "StopDBInstanceAutomatedBackupsReplication": "SourceDBInstanceArn",
    "AddTagsToResource": "ResourceName",
    "ListTagsForResource": "ResourceName",
    "DescribeDBInstanceAutomatedBackups": "DBInstanceAutomatedBackupsArn",
    "RestoreDBInstanceToPointInTime": "SourceDBInstanceAutomatedBackupsArn",
}
# Those that ask for automated backups which they do not name, or cannot: the name is made by the call.
_RDS_OF_ANY_BACKUP = {
    "DescribeDBInstanceAutomatedBackups": "auto-backup",
    "StartDBInstanceAutomatedBackupsReplication": "auto-backup",
    "StopDBInstanceAutomatedBackupsReplication": "auto-backup",
    "DescribeDBClusterAutomatedBackups": "cluster-auto-backup",
    "RestoreDBClusterToPointInTime": "cluster-auto-backup",
}


def _rds(request: Request) -> list[Check]:
    form = _form(request)
    fields = {name: values[0] for name, values in form.items()}
    action = fields.get("Action", "")
    arn = f"arn:aws:rds:{request.region}:{request.account}:"
    resources = []
    for kind, name in _RDS_RESOURCES.get(action, {}).items():
        if fields.get(name):
            resources.append(f"{arn}{kind}:{fields[name]}")
        elif action.startswith("Describe"):
            resources.append(f"{arn}{kind}:*")
    if named := fields.get(_RDS_ARNS.get(action, "")):
        resources.append(named)
    if (kind := _RDS_OF_ANY_BACKUP.get(action)) and not (named and f":{kind}:" in named):
        resources.append(f"{arn}{kind}:*")
    context = iam_actions.request_tag_context("rds", f"rds:{action}", request.body, form)
    if "PubliclyAccessible" in fields:
        context["rds:PubliclyAccessible"] = fields["PubliclyAccessible"].lower()
    return [Check(f"rds:{action}", resource, {**context, **_tags_of(resource)}) for resource in resources or ["*"]]


def _tags_of(arn: str) -> dict:
    return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in rds._tags.get(arn) or []}


def _ecs(request: Request) -> list[Check]:
    action, asked = _target(request), _json(request)
    arn = f"arn:aws:ecs:{request.region}:{request.account}:"
    cluster = asked.get("cluster", "default").rpartition("/")[2]
    in_cluster = {"ecs:cluster": f"{arn}cluster/{cluster}"}
    tasks = [each if each.startswith("arn:") else f"{arn}task/{cluster}/{each}" for each in asked.get("tasks", [asked.get("task", "")])]
    if action in ("DescribeTasks", "StopTask"):
        return [Check(f"ecs:{action}", task, {**in_cluster, **_task_tags(task)}) for task in tasks]
    if action != "RunTask":
        return [Check(f"ecs:{action}", "*", in_cluster)]
    definition = ecs._task_defs.get(ecs._resolve_td_key(asked["taskDefinition"])) or {}
    tags = {tag["key"]: tag["value"] for tag in asked.get("tags", [])}
    requested = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    passed = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    roles = [definition[name] for name in ("taskRoleArn", "executionRoleArn") if definition.get(name)]
    return [
        Check("ecs:RunTask", definition.get("taskDefinitionArn", "*"), {**in_cluster, **requested}),
        *([Check("ecs:TagResource", f"{arn}task/{cluster}/new", {"ecs:CreateAction": "RunTask", "aws:TagKeys": list(tags)})] if tags else []),
        *(Check("iam:PassRole", role, passed) for role in roles),
    ]


def _task_tags(arn: str) -> dict:
    return {f"aws:ResourceTag/{tag['key']}": tag["value"] for tag in ecs._tags.get(arn) or []}


def _events(request: Request) -> list[Check]:
    if _target(request) != "PutEvents":
        return _as_ministack_has_it(request)
    buses = iam_actions.eventbridge_resource_arns(request.body, request.region, request.account)
    return [Check("events:PutEvents", bus) for bus in buses]


def _segments(request: Request) -> list[str]:
    return [unquote(part) for part in request.raw_path.split("/") if part]


def _form(request: Request) -> dict:
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return {**request.query, **(parse_qs(request.body.decode("latin-1"), keep_blank_values=True) if is_form else {})}


def _json(request: Request) -> dict:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _target(request: Request) -> str:
    return request.headers.get("x-amz-target", "").rpartition(".")[2]


_KNOWN = {
    "s3": _s3,
    "kms": _kms,
    "monitoring": _cloudwatch,
    "secretsmanager": _secrets,
    "lambda": _lambda,
    "backup": _backup,
    "ecs": _ecs,
    "rds": _rds,
    "events": _events,
}
