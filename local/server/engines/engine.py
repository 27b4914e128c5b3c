"""What every engine does: servers made from a template, a snapshot or a base backup with its logs, and their processes.

A server listens on 127.0.0.1 alone, on a free port, and asks for a password. As on RDS, the superuser is `rdsadmin`, whose
password nobody outside has, and the master user may do what RDS lets it do.
"""

import shutil
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path

SUPERUSER = "rdsadmin"

_LOG = "server.log"
# A snapshot of a large database is recovered at its start.
_START_SECONDS = 60
_STOP_SECONDS = 10


class EngineError(Exception):
    """A server or a snapshot could not be made; the message ends with what the engine said."""


class Server(ABC):
    """A server and its data; `port` is set once it has run."""

    # Ends it with all connections, after its work is written.
    stop_signal: signal.Signals
    # Ends it as a crash would.
    crash_signal: signal.Signals
    # What it logs when somebody else has its port.
    port_taken: str

    def __init__(self, data: Path):
        self.data = data
        self.port = None
        self._process = None
        self._lock = threading.RLock()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, port: int | None = None, options: dict | None = None) -> None:
        """Returns when connections are accepted. A port that somebody else took in the meantime is exchanged. `options` are
        settings for this start alone."""
        with self._lock:
            if self.running:
                return
            for attempt in range(5):
                try:
                    self._start(port or _free_port(), options or {})
                    return
                except EngineError as error:
                    if port or self.port_taken not in str(error) or attempt == 4:
                        raise

    def stop(self, *, immediately: bool = False) -> None:
        """Ends all connections and the server; `immediately` as a crash would."""
        with self._lock:
            if self._process is None:
                return
            self._process.send_signal(self.crash_signal if immediately else self.stop_signal)
            try:
                self._process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    @contextmanager
    def awake(self):
        """It runs for the time of the block, where it does not anyway."""
        with self._lock:
            asleep = not self.running
            if asleep:
                self.start(self.port)
            try:
                yield self
            finally:
                if asleep:
                    self.stop()

    def remove(self) -> None:
        self.stop(immediately=True)
        shutil.rmtree(self.data, ignore_errors=True)

    @abstractmethod
    def create_master(self, user: str, password: str, database: str | None) -> None:
        """The master user of a new server and, if named, a database of theirs."""

    @abstractmethod
    def run_in(self, database: str, statement: str) -> None:
        """Runs a statement of a superuser in one of its databases."""

    @abstractmethod
    def set_password(self, user: str, password: str) -> None: ...

    @abstractmethod
    def snapshot(self, target: Path) -> None:
        """A copy of the data while the server runs: what was committed when it ends, nothing half."""

    @abstractmethod
    def keep_logs(self, name: str) -> None:
        """From now on logs are kept until `ship_logs` has shipped them; to be called before the snapshot they follow."""

    @abstractmethod
    def forget_logs(self, name: str) -> None:
        """The end of `keep_logs`; a server that does not run keeps them, and they go with it."""

    @abstractmethod
    def ship_logs(self, name: str, target: Path) -> None:
        """Copies what was logged since the last time."""

    @abstractmethod
    def _spawn(self, port: int, options: dict, log) -> subprocess.Popen: ...

    @abstractmethod
    def _ready(self) -> bool:
        """Whether the process that was spawned accepts connections."""

    def _start(self, port: int, options: dict) -> None:
        log_path = self.data / _LOG
        with log_path.open("ab") as log:
            log_start = log.tell()
            self._process = self._spawn(port, options, log)
        self.port = port
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                self._process.wait()
                self._process = self.port = None
                said = log_path.read_bytes()[log_start:].decode(errors="replace")
                raise EngineError(f"{type(self).__name__} did not start: {said[-2000:].strip()}")
            time.sleep(0.02)


class Engine(ABC):
    # As RDS calls it.
    names: tuple[str, ...]
    # Of a master user, by RDS's table of constraints.
    max_user_length: int
    max_password_length: int

    @abstractmethod
    def require(self) -> None:
        """Raises `EngineError`, with what to install, where its server is not on this machine."""

    @abstractmethod
    def is_reserved_user(self, user: str) -> bool: ...

    @abstractmethod
    def create(self, name: str, user: str, password: str, database: str | None) -> Server:
        """A new, running server with a master user and, if named, a database of theirs."""

    @abstractmethod
    def restore(self, snapshot: Path, name: str) -> Server:
        """A new, running server with the data and the passwords of the snapshot."""

    @abstractmethod
    def restore_to_moment(
        self, base: Path, logs: Path, name: str, moment: float, *, is_latest: bool, without_logs: bool
    ) -> Server:
        """A new, running server with what was committed at `moment` (seconds since 1970), not after it.

        `base` is a snapshot, `logs` is what was shipped since; `is_latest` says that nothing in them is later. Fails where
        they do not reach that moment; `without_logs` makes it so.
        """


def started(server: Server, then=lambda: None, **options) -> Server:
    """Starts a new server and does something with it; nothing of it stays where that fails."""
    try:
        server.start(**options)
        then()
    except BaseException:
        server.remove()
        raise
    return server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
