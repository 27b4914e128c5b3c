"""The servers of RDS instances and clusters, in all Regions; those of a Region that is lost go with it."""

import logging
import threading

from . import faults
from .engines import Server

logger = logging.getLogger("local-aws.rds")

# How soon the servers of a Region that is gone are stopped, in seconds.
_WATCH_SECONDS = 0.1


class Servers:
    """The server of each instance that is in no cluster, and of each cluster, by its ARN (which names the Region)."""

    def __init__(self):
        self._lock = threading.Lock()
        self._servers: dict[str, Server] = {}
        self._stopped_by_region_loss: set[str] = set()
        self._closed = threading.Event()

    def get(self, arn: str) -> Server | None:
        return self._servers.get(arn)

    def put(self, arn: str, server: Server) -> None:
        with self._lock:
            if not self._closed.is_set():
                self._servers[arn] = server
                return
        server.remove()

    def remove(self, arn: str) -> None:
        with self._lock:
            server = self._servers.pop(arn, None)
            self._stopped_by_region_loss.discard(arn)
        if server:
            server.remove()

    def remove_all(self) -> None:
        with self._lock:
            servers = list(self._servers.values())
            self._servers.clear()
            self._stopped_by_region_loss.clear()
        for server in servers:
            server.remove()

    def close(self) -> None:
        with self._lock:
            self._closed.set()
        self.remove_all()

    def watch_regions(self) -> None:
        """Stops the servers of a Region that is lost, as abruptly as that happens, and starts them when it is back."""
        while not self._closed.wait(_WATCH_SECONDS):
            for arn, server in list(self._servers.items()):
                try:
                    self._follow_region(arn, server)
                except Exception:
                    logger.exception("Could not follow the fate of the Region of %s", arn)

    def _follow_region(self, arn: str, server: Server) -> None:
        gone = faults.region_gone(arn.split(":")[3])
        if gone and server.running:
            self._stopped_by_region_loss.add(arn)
            server.stop(immediately=True)
        elif not gone and arn in self._stopped_by_region_loss:
            self._stopped_by_region_loss.discard(arn)
            server.start(server.port)


servers = Servers()
