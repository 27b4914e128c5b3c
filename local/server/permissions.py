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
    _spawn = lambda_runtime.Worker._spawn

    def spawn(worker):
        _check_mounts(worker.config)
        return _spawn(worker)

    lambda_runtime.Worker._spawn = spawn


def _credentials(config: dict) -> dict[str, str]:
    role, arn = caller = _caller(config)
    key = f"ASIA{uuid.uuid5(uuid.NAMESPACE_URL, config.get('FunctionArn', '') + config.get('Role', '')).hex[:16].upper()}"
    secret, token = f"secret-of-{key}", f"token-of-{key}"
    user = f"{role}:{arn.rpartition('/')[2]}"
    sts.register_session(key, {"Arn": arn, "UserId": user, "SecretAccessKey": secret, "SessionToken": token})
    _callers[key] = caller
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


# Name of the role, and ARN of the session in which a function has it.
Caller = tuple[str, str]

# By access key.
_callers: dict[str, Caller] = {}


def _caller(config: dict) -> Caller:
    account, role = config["Role"].split(":")[4], config["Role"].rpartition("/")[2]
    return role, f"arn:aws:sts::{account}:assumed-role/{role}/{config.get('FunctionName', '')[:64]}"


def caller_of(headers: dict, query: dict) -> Caller | None:
    """The function that calls; None for whoever is none, and for one whose role was never made: these may do anything."""
    caller = _callers.get(extract_access_key_id(headers, query))
    return caller if caller and _has_role(caller) else None


def _has_role(caller: Caller) -> bool:
    role, arn = caller
    return iam._roles.get_scoped(arn.split(":")[4], None, role) is not None


def refusal(call: dict, caller: Caller, request: Request) -> tuple | None:
    """Status, headers and body where a function may not make the call."""
    with request_scope(request.account, request.region):
        for check in checks_of(request):
            if (denial := _decide(call, caller, check, request.region)) is not None:
                return iam_actions.access_denied_response(
                    request.service, check.action, caller[1], str(uuid.uuid4()), message=denial, headers=request.headers
                )
    return None


def refusal_of_function(config: dict, check: Check) -> str | None:
    """The message of a denial, of what AWS does in a function's name without a call of its own."""
    caller = _caller(config)
    return _decide({}, caller, check, config["FunctionArn"].split(":")[3]) if _has_role(caller) else None


def _decide(call: dict, caller: Caller, check: Check, region: str) -> str | None:
    """The message of a denial."""
    if check.action in _FREE:
        return None
    role, arn = caller
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
    for role, arn in sorted(set(_callers.values())):
        for name, statement in _statements(role, arn.split(":")[4]):
            if statement.effect != "Allow" or name.startswith("arn:aws:iam::aws:policy/"):
                continue
            for action in statement.actions:
                uses = {"used": _is_among(_used, role, name, action), "needed": _is_among(_needed, role, name, action)}
                rows.append({"role": role, "statement": name, "action": action, "resources": statement.resources, **uses})
    return rows


def _is_among(found: set[tuple[str, str, str]], role: str, statement: str, action: str) -> bool:
    """Whether by this statement of the role something was allowed that the action, perhaps a pattern, stands for."""
    return any(of == role and by == statement and iam_evaluator.fnmatch_iam(asked, action) for of, by, asked in found)


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
