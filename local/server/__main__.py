"""Serves the local AWS on a free loopback port until it is told to stop or the process that started it is gone.

The first line on standard output is JSON: {"port": N}. Standard input is a life line: at its end the server stops, so
nothing outlives a parent that was killed.
"""

import os
import socket

# MiniStack's modules read the port when they are imported, so it is taken first.
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])

import asyncio  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from importlib import import_module  # noqa: E402

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack.core import lambda_runtime  # noqa: E402

from . import gateway  # noqa: E402

# In this order: the later ones build on what the earlier ones changed.
PARTS = ("cloudformation", "file_systems", "keys", "permissions", "function_faults", "function_metrics", "durable", "alarms", "replication", "regions", "rds", "db_clusters", "automated_backups", "backup", "restore_testing", "tasks")

# Says at every start that it cannot sign; nothing here signs.
logging.getLogger("kms").setLevel(logging.ERROR)


def load_parts() -> list:
    parts = [import_module(f"server.{name}") for name in PARTS]
    for part in parts:
        part.install()
    return parts


def stop(parts: list) -> None:
    """Ends the children and leaves at once: hypercorn would wait for requests that may never end, such as a custom
    resource that does not answer."""
    lambda_runtime.kill_workers([worker for pool in lambda_runtime._workers.values() for worker in pool])
    for part in reversed(parts):
        if hasattr(part, "shutdown"):
            try:
                part.shutdown()
            except Exception as error:  # the others must be ended as well
                print(f"{part.__name__} did not stop: {error}", file=sys.stderr)
    os._exit(0)


def main() -> None:
    parts = load_parts()
    ending = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ending.set())

    def follow_parent():
        while os.read(0, 4096):
            pass
        ending.set()

    def stop_when_told():
        ending.wait()
        stop(parts)

    threading.Thread(target=follow_parent, daemon=True).start()
    threading.Thread(target=stop_when_told, daemon=True).start()

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    # Who reads the port may call at once: the calls wait until hypercorn takes them.
    listener.listen(128)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    # Without a trigger of its own hypercorn would take the signals for itself.
    asyncio.run(serve(gateway.app, config, shutdown_trigger=asyncio.Event().wait))


main()
