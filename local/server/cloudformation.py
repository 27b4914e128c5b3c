"""CloudFormation types that MiniStack lacks, and properties that its handlers drop in silence."""

import json
import re

from ministack.core.responses import new_uuid
from ministack.services import backup, ec2, lambda_svc, s3, secretsmanager
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

FUNCTION_PROPERTIES = ("FileSystemConfigs", "VpcConfig", "DeadLetterConfig")


def install() -> None:
    handlers["AWS::Backup::BackupSelection"] = {"create": _create_selection, "delete": _delete_selection}
    handlers["AWS::Backup::LogicallyAirGappedBackupVault"] = {
        "create": _create_air_gapped_vault,
        "delete": _delete_air_gapped_vault,
    }
    for direction in ("Ingress", "Egress"):
        handlers[f"AWS::EC2::SecurityGroup{direction}"] = {"create": _create_rule, "delete": lambda *_: None}
    handlers["AWS::EC2::EIP"] = {"create": _create_address, "delete": _delete_address}
    handlers["AWS::EC2::NatGateway"] = {"create": _create_nat_gateway, "delete": _delete_nat_gateway}
    handlers["AWS::EC2::Instance"] = {"create": _create_instance, "delete": _delete_instance}
    _name_secrets_by_arn()
    _then("AWS::Lambda::Function", _keep_function_properties)
    _then("AWS::S3::Bucket", _keep_bucket_properties)
    _then("AWS::Backup::BackupVault", _keep_vault_properties)
    backup._get_vault_access_policy = _vault_access_policy
    backup._get_vault_notifications = _vault_notifications


def _then(resource_type: str, keep) -> None:
    """Calls `keep(physical_id, properties)` after MiniStack's own handler created or updated a resource."""
    handler = handlers[resource_type]
    create, update = handler["create"], handler.get("update")

    def creating(logical_id, props, stack_name):
        result = create(logical_id, props, stack_name)
        keep(result[0], props)
        return result

    def updating(physical_id, old_props, new_props, *rest, **named):
        result = update(physical_id, old_props, new_props, *rest, **named)
        keep(result[0], new_props)
        return result

    handler["create"] = creating
    if update:
        handler["update"] = updating


def _name_secrets_by_arn() -> None:
    """`Ref` of a secret is its ARN."""
    handler = handlers["AWS::SecretsManager::Secret"]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def name_of(arn):
        return secretsmanager._resolve(arn)[0]

    def creating(*args):
        _, attributes = create(*args)
        return attributes["Arn"], attributes

    def updating(arn, *args, **named):
        _, attributes = update(name_of(arn), *args, **named)
        return attributes["Arn"], attributes

    handler |= {"create": creating, "update": updating, "delete": lambda arn, props: delete(name_of(arn), props)}


def _create_air_gapped_vault(logical_id, props, stack_name):
    """A vault that is locked from the beginning, with a key of AWS's."""
    name, attributes = handlers["AWS::Backup::BackupVault"]["create"](logical_id, props, stack_name)
    for key in ("MinRetentionDays", "MaxRetentionDays"):
        backup._vaults[name][key] = int(props[key])
    backup._vaults[name] |= {"Locked": True, "VaultType": "LOGICALLY_AIR_GAPPED_BACKUP_VAULT"}
    return name, attributes


def _delete_air_gapped_vault(name, props):
    handlers["AWS::Backup::BackupVault"]["delete"](name, props)


def _create_selection(logical_id, props, stack_name):
    plan_id = props["BackupPlanId"]
    status, _, body = backup._create_selection(plan_id, {"BackupSelection": dict(props["BackupSelection"])})
    answer = json.loads(body)
    if status >= 400:
        raise ValueError(f"AWS::Backup::BackupSelection create failed: {answer}")
    selection_id = answer["SelectionId"]
    return selection_id, {"Id": f"{selection_id}_{plan_id}", "SelectionId": selection_id, "BackupPlanId": plan_id}


def _delete_selection(physical_id, props):
    backup._delete_selection(props["BackupPlanId"], physical_id)


def _create_rule(logical_id, props, stack_name):
    # Nothing filters packets here: everything listens on loopback.
    rule_id = f"sgr-{new_uuid().replace('-', '')[:17]}"
    return rule_id, {"Id": rule_id}


# Networks and instances are records, as MiniStack's API of EC2 makes them: no packet goes through, no instance runs.


def _create_address(logical_id, props, stack_name):
    allocation_id = _ec2("AllocateAddress", {"Domain": props.get("Domain", "vpc")}, "allocationId")
    address = ec2._addresses[allocation_id]["PublicIp"]
    return address, {"AllocationId": allocation_id, "PublicIp": address}


def _delete_address(physical_id, props):
    for allocation_id in [id for id, address in ec2._addresses.items() if address["PublicIp"] == physical_id]:
        _ec2("ReleaseAddress", {"AllocationId": allocation_id})


def _create_nat_gateway(logical_id, props, stack_name):
    if props.get("ConnectivityType", "public") == "public" and props.get("AllocationId") not in ec2._addresses:
        raise ValueError(f"AWS::EC2::NatGateway create failed: no address {props.get('AllocationId')}")
    _require_subnet("AWS::EC2::NatGateway", props.get("SubnetId"))
    keys = ("SubnetId", "AllocationId", "ConnectivityType")
    gateway = _ec2("CreateNatGateway", {key: props[key] for key in keys if key in props}, "natGatewayId")
    return gateway, {"NatGatewayId": gateway}


def _delete_nat_gateway(physical_id, props):
    _ec2("DeleteNatGateway", {"NatGatewayId": physical_id})


def _create_instance(logical_id, props, stack_name):
    _require_subnet("AWS::EC2::Instance", props.get("SubnetId"))
    params = {key: props[key] for key in ("ImageId", "InstanceType", "SubnetId") if key in props}
    params |= {f"SecurityGroupId.{number}": id for number, id in enumerate(props.get("SecurityGroupIds", []), 1)}
    instance_id = _ec2("RunInstances", params, "instanceId")
    record = ec2._instances[instance_id]
    return instance_id, {key: record[f"{key}Address"] for key in ("PrivateIp", "PublicIp")}


def _delete_instance(physical_id, props):
    _ec2("TerminateInstances", {"InstanceId.1": physical_id})


def _require_subnet(resource_type, subnet_id):
    if subnet_id not in ec2._subnets:
        raise ValueError(f"{resource_type} create failed: The subnet ID '{subnet_id}' does not exist")


def _ec2(action, params, answer=None):
    """Calls EC2, and returns what the element `answer` of its response holds."""
    status, _, body = ec2._ACTION_MAP[action]({key: [value] for key, value in params.items()})
    text = body.decode() if isinstance(body, bytes) else body
    if status >= 400:
        raise ValueError(f"ec2:{action} failed: {text}")
    return re.search(f"<{answer}>(.+?)</{answer}>", text).group(1) if answer else None


def _keep_function_properties(name, props):
    config = lambda_svc._functions[name]["config"]
    for key in FUNCTION_PROPERTIES:
        config.pop(key, None)
        if props.get(key):
            config[key] = props[key]
    config.pop("DurableConfig", None)
    if props.get("DurableConfig"):
        config["DurableConfig"] = {**props["DurableConfig"], "Enabled": True}
    # A worker that is running has the file systems of the old configuration.
    lambda_svc.invalidate_worker(name)


def _keep_bucket_properties(name, props):
    replication = props.get("ReplicationConfiguration")
    if replication:
        s3._bucket_replication[name] = {"Role": replication["Role"], "Rules": replication["Rules"]}
    else:
        s3._bucket_replication.pop(name, None)


def _keep_vault_properties(name, props):
    vault = backup._vaults[name]
    policy = props.get("AccessPolicy")
    vault["AccessPolicy"] = json.dumps(policy) if isinstance(policy, dict) else policy
    vault["Notifications"] = props.get("Notifications")
    lock = props.get("LockConfiguration") or {}
    vault["Locked"] = bool(lock)
    for key in ("MinRetentionDays", "MaxRetentionDays"):
        if key in lock:
            vault[key] = int(lock[key])


def _vault_access_policy(name):
    vault = backup._vaults.get(name)
    if not vault or not vault.get("AccessPolicy"):
        return backup._not_found(f"Backup vault {name} has no access policy")
    return backup._ok(
        {"BackupVaultName": name, "BackupVaultArn": backup._vault_arn(name), "Policy": vault["AccessPolicy"]}
    )


def _vault_notifications(name):
    vault = backup._vaults.get(name)
    if not vault or not vault.get("Notifications"):
        return backup._not_found(f"Backup vault {name} has no notifications")
    return backup._ok(
        {"BackupVaultName": name, "BackupVaultArn": backup._vault_arn(name), **vault["Notifications"]}
    )
