"""What functions may do: over each of their calls the policies of their role decide, as they were deployed, with those of the
key, topic, bucket or vault that is called. Callers that are no functions (the CDK, tests) may do anything.

How policies are evaluated is MiniStack's, which would do so for everybody or nobody. Each check is noted with the call, with the statements
that allow it: so that a test can tell a permission that nothing needs.
"""

import uuid

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import backup, iam, sts

from . import faults, file_systems
from .permission_checks import Check, Request, checks_of

# AWS's own, as far as MiniStack does not have it (the version of 2026-11).
_MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicDurableExecutionRolePolicy": {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"],
                "Resource": "*",
            }
        ]
    }
}
# What nobody is denied, and what the SDK asks before it knows.
_FREE = {"sts:GetCallerIdentity"}


def install() -> None:
    """Gives functions the credentials of their role."""
    lambda_runtime.execution_credentials = _credentials
    mounts_of = lambda_runtime.Worker._spawn

    def spawn(worker):
        _check_mounts(worker.config)
        return mounts_of(worker)

    lambda_runtime.Worker._spawn = spawn


def _credentials(config: dict) -> dict[str, str]:
    role = config.get("Role", "")
    account, name = role.split(":")[4], role.rpartition("/")[2]
    session = config.get("FunctionName", "")[:64]
    key = f"ASIA{uuid.uuid5(uuid.NAMESPACE_URL, config.get('FunctionArn', '') + role).hex[:16].upper()}"
    secret, token = f"secret-of-{key}", f"token-of-{key}"
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    sts.register_session(
        key, {"Arn": arn, "UserId": f"{name}:{session}", "SecretAccessKey": secret, "SessionToken": token}
    )
    _roles[key] = (name, arn)
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


# Name of the role and ARN of the session, by access key.
_roles: dict[str, tuple[str, str]] = {}


def is_function(headers: dict, query: dict) -> bool:
    """Of a role that is there: what a test makes without one may do anything."""
    role, arn = _roles.get(extract_access_key_id(headers, query), ("", ""))
    return _exists(role, arn)


def _exists(role: str, arn: str) -> bool:
    return arn != "" and iam._roles.get_scoped(arn.split(":")[4], None, role) is not None


def refusal(call: dict, request: Request) -> tuple | None:
    """Status, headers and body where a function may not make the call."""
    role, arn = _roles[extract_access_key_id(request.headers, request.query)]
    with request_scope(request.account, request.region):
        for check in checks_of(request):
            if (denial := _decide(call, role, arn, check, request.region)) is not None:
                return iam_actions.access_denied_response(
                    request.service, check.action, arn, str(uuid.uuid4()), message=denial, headers=request.headers
                )
    return None


def refusal_of_function(config: dict, check: Check) -> str | None:
    """The message of a denial, of what AWS does in a function's name without a call of its own."""
    role, arn = _roles[_credentials(config)["AWS_ACCESS_KEY_ID"]]
    return _decide({}, role, arn, check, config["FunctionArn"].split(":")[3]) if _exists(role, arn) else None


def _decide(call: dict, role: str, arn: str, check: Check, region: str) -> str | None:
    """The message of a denial."""
    if check.action in _FREE:
        return None
    account = arn.split(":")[4]
    # A call without tags has no keys of tags: MiniStack would take it for one with an empty list.
    context = {"aws:tagkeys": None, **{name.lower(): value for name, value in check.context.items()}}
    ctx = iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=check.action,
        resource_arn=check.resource,
        region=region,
        secure_transport=True,
        service_context=context,
    )
    statements = _statements(role, account)
    withheld = faults.matching("permission-withheld", f"{role} {check.action}") is not None
    allowing = [
        name
        for name, statement in statements
        if not withheld and iam_evaluator.evaluate(ctx, [[statement]]).decision == "Allow"
    ]
    result = iam_evaluator.evaluate(ctx, [[s for name, s in statements if s.effect == "Deny" or name in allowing]])
    service = check.action.partition(":")[0]
    if (found := _resource_policy(service, check.resource)) is not None:
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, ctx, *found, required=required)
    note = {"role": role, "action": check.action, "resource": check.resource, "allowedBy": allowing}
    call.setdefault("checks", []).append({**note, "allowed": result.decision == "Allow"})
    if result.decision == "Allow":
        _used.update((role, name, check.action) for name in allowing)
        if len(allowing) == 1:
            _needed.add((role, allowing[0], check.action))
    if result.decision == "Allow":
        return None
    if result.resource_policy_arn:
        return (
            f"User: {arn} is not authorized to perform: {check.action} on resource: {check.resource} "
            "because of the policy of the resource"
        )
    return iam_actions.identity_denial_message(check.action, arn, check.resource, result.decision == "Deny")


# Statements of roles by which an action was allowed; and those by which alone it was.
_used: set[tuple[str, str, str]] = set()
_needed: set[tuple[str, str, str]] = set()


def usage() -> list[dict]:
    """Each action that a statement allows to a role of a function that made a call: whether any call needed it."""
    rows = []
    for role, arn in sorted(set(_roles.values())):
        for name, statement in _statements(role, arn.split(":")[4]):
            if statement.effect != "Allow" or name.startswith("arn:aws:iam::aws:policy/"):
                continue
            for action in statement.actions:
                made = lambda found: any(  # noqa: E731
                    of == role and by == name and iam_evaluator.fnmatch_iam(asked, action) for of, by, asked in found
                )
                row = {"role": role, "statement": name, "action": action, "resources": statement.resources}
                rows.append({**row, "used": made(_used), "needed": made(_needed)})
    return rows


def _statements(role: str, account: str) -> list[tuple[str, iam_evaluator.ParsedStatement]]:
    """Of all policies of the role, each with a name: `POLICY#INDEX`."""
    record = iam._roles.get_scoped(account, None, role) or {}
    documents = dict(record.get("InlinePolicies") or {})
    for policy_arn in record.get("AttachedPolicies", []):
        managed = iam_evaluator._resolve_managed_policy_document(policy_arn, account) or _MANAGED.get(policy_arn)
        if managed:
            documents[policy_arn] = managed
    return [
        (f"{name}#{index}", statement)
        for name, document in documents.items()
        for index, statement in enumerate(iam_evaluator.parse_policy_document(document))
    ]


def _resource_policy(service: str, resource: str) -> tuple | None:
    if service == "backup" and ":backup-vault:" in resource:
        _, _, _, region, account, _, name = resource.split(":", 6)
        policy = (backup._vaults.get_scoped(account, region, name) or {}).get("AccessPolicy")
        return (policy, account) if policy else None
    return iam_evaluator._resource_policy(service, resource)


def _check_mounts(config: dict) -> None:
    """A function mounts its volume with its role: to read, and to write."""
    for mount in config.get("FileSystemConfigs") or []:
        volume = file_systems.file_system_arn(mount["Arn"])
        for action in ("ClientMount", "ClientWrite"):
            context = {"elasticfilesystem:AccessPointArn": mount["Arn"]}
            denial = refusal_of_function(config, Check(f"elasticfilesystem:{action}", volume, context))
            if denial is not None:
                raise file_systems.MountError(f"EFSMountFailureException: access denied: {denial}")
