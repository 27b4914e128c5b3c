"""Fargate tasks as local processes. An image is the folder `images/NAME` of the data folder: what is in it is the home of the server
(`WSO2_SERVER_HOME`), a copy for each task, and the container's own command runs there with `sh`. Volumes of EFS are the folders of their
access points. One container a task; its address is that of the machine."""

import os
import shutil
import signal
import subprocess
import threading

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ecs

from . import settings
from .file_systems import access_point_folder

IMAGES = settings.DATA_DIR / "images"
HOMES = settings.DATA_DIR / "tasks"

_processes: dict[str, subprocess.Popen] = {}


def install() -> None:
    run_task, mark_stopped = ecs._run_task, ecs._mark_task_stopped

    def running(data):
        definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", "")))
        response = run_task(data)
        if definition is None or response[0] != 200 or not IMAGES.is_dir():
            return response
        for arn, task in list(ecs._tasks.items()):
            is_new = task["lastStatus"] == "RUNNING" and not task["attachments"]
            if is_new and task["taskDefinitionArn"] == definition["taskDefinitionArn"]:
                _start(arn, task, definition)
        return response

    def stopping(arn, task, *rest, **named):
        _end(arn)
        return mark_stopped(arn, task, *rest, **named)

    ecs._run_task = ecs._ACTION_MAP["RunTask"] = running
    ecs._mark_task_stopped = stopping


def shutdown() -> None:
    for arn in list(_processes):
        _end(arn)


def _start(arn: str, task: dict, definition: dict) -> None:
    definition = _lower(definition)
    [container] = definition["containerdefinitions"]
    image = IMAGES / container["image"]
    account, region = get_account_id(), get_region()
    if not image.is_dir():
        reason = f"CannotPullContainerError: there is no image {container['image']}"
        ecs._mark_task_stopped(arn, task, reason, "TaskFailedToStart")
        return
    home = HOMES / arn.rpartition("/")[2]
    shutil.copytree(image, home)
    overrides = [_lower(each) for each in task["overrides"].get("containerOverrides", [])]
    variables = {
        each["name"]: each["value"] for source in (container, *overrides) for each in source.get("environment", [])
    }
    folders = {
        mount["containerpath"]: _folder(definition, mount["sourcevolume"], account, region)
        for mount in container.get("mountpoints", [])
    }
    variables = {name: folders.get(value, value) for name, value in variables.items()}
    task["attachments"] = [
        {
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [{"name": "privateIPv4Address", "value": "127.0.0.1"}],
        }
    ]
    process = subprocess.Popen(
        [*container.get("entrypoint", ["/bin/sh", "-c"]), *container["command"]],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "WSO2_SERVER_HOME": str(home), **variables},
        stdin=subprocess.DEVNULL,
        stdout=(home / "log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _processes[arn] = process

    def follow():
        status = process.wait()
        if _processes.pop(arn, None):
            with request_scope(account, region):
                ecs._mark_task_stopped(arn, task, f"Essential container in task exited ({status})", "EssentialContainerExited")

    threading.Thread(target=follow, daemon=True).start()


def _folder(definition: dict, volume: str, account: str, region: str) -> str:
    found = next(each for each in definition["volumes"] if each["name"] == volume)
    access_point = found["efsvolumeconfiguration"]["authorizationconfig"]["accesspointid"]
    return str(access_point_folder(f"arn:aws:elasticfilesystem:{region}:{account}:access-point/{access_point}"))


def _lower(value):
    """CloudFormation writes the keys of a task definition in other cases than the API."""
    if isinstance(value, dict):
        return {key.lower(): _lower(inner) for key, inner in value.items()}
    return [_lower(inner) for inner in value] if isinstance(value, list) else value


def _end(arn: str) -> None:
    if process := _processes.pop(arn, None):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
