"""EFS file systems as folders, and how a function gets at them.

Nothing is mounted, so that it works without root and on macOS: in the environment of a function, values that begin with
its LocalMountPath name the folder of its access point instead.
"""

import shutil
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.core.arn import parse_arn
from ministack.services import efs

from . import settings


class MountError(RuntimeError):
    """As Lambda says it: EFSMountFailureException, EFSMountConnectivityException."""


def install() -> None:
    _create, _delete, _spawn = efs._create_file_system, efs._delete_file_system, lambda_runtime.Worker._spawn

    def create(body):
        answer = _create(body)
        for file_system_id in efs._file_systems:
            (settings.EFS_ROOT / file_system_id).mkdir(parents=True, exist_ok=True)
        return answer

    def delete(file_system_id):
        answer = _delete(file_system_id)
        if answer[0] < 300:
            shutil.rmtree(settings.EFS_ROOT / file_system_id, ignore_errors=True)
        return answer

    def spawn(worker):
        config = worker.config
        worker.config = with_folders(config)
        try:
            return _spawn(worker)
        finally:
            worker.config = config

    efs._create_file_system, efs._delete_file_system = create, delete
    lambda_runtime.Worker._spawn = spawn


def with_folders(config: dict) -> dict:
    """The configuration of a function, with the folders for the mount paths in its environment."""
    mounts = {m["LocalMountPath"]: access_point_folder(m["Arn"]) for m in config.get("FileSystemConfigs") or []}
    variables = (config.get("Environment") or {}).get("Variables") or {}
    return {**config, "Environment": {"Variables": {k: _moved(v, mounts) for k, v in variables.items()}}}


def file_system_arn(access_point_arn: str) -> str:
    """Of the file system of an access point; of all where there is no such access point."""
    spec = parse_arn(access_point_arn)
    access_point = efs._access_points.get_scoped(spec.account_id, spec.region, access_point_arn.rpartition("/")[2])
    file_system = access_point["FileSystemId"] if access_point else "*"
    return f"arn:aws:elasticfilesystem:{spec.region}:{spec.account_id}:file-system/{file_system}"


def access_point_folder(arn: str) -> Path:
    """What a mount through this access point would show; fails where the mount would."""
    spec = parse_arn(arn)
    name = arn.rpartition("/")[2]
    scope = (spec.account_id, spec.region)
    access_point = efs._access_points.get_scoped(*scope, name)
    if not access_point:
        raise MountError(f"EFSMountFailureException: the access point {name} does not exist")
    file_system_id = access_point["FileSystemId"]
    root = settings.EFS_ROOT / file_system_id
    if not efs._file_systems.get_scoped(*scope, file_system_id) or not root.is_dir():
        raise MountError(f"EFSMountFailureException: the file system {file_system_id} does not exist")
    if not any(target["FileSystemId"] == file_system_id for target in efs._mount_targets._data.values()):
        raise MountError(f"EFSMountConnectivityException: the file system {file_system_id} has no mount target")
    directory = access_point.get("RootDirectory") or {}
    folder = root / directory.get("Path", "/").lstrip("/")
    if not folder.is_dir():
        # EFS makes the root directory at the first mount, when it is told the owner and permissions.
        info = directory.get("CreationInfo")
        if not info:
            raise MountError(f"EFSMountFailureException: {directory.get('Path')} does not exist on {file_system_id}")
        folder.mkdir(parents=True)
        folder.chmod(int(str(info["Permissions"]), 8))
    return folder


def _moved(value: str, mounts: dict[str, Path]) -> str:
    for path, folder in mounts.items():
        if value == path or str(value).startswith(f"{path}/"):
            return f"{folder}{value[len(path):]}"
    return value
