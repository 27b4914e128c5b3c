"""One real PostgreSQL server per RDS instance.

Only `initdb` and `postgres` of the embedded distribution are used. A server listens on 127.0.0.1 alone, on a free port,
and asks for a password (SCRAM). As on RDS, the superuser is `rdsadmin`, and the master user is a member of
`rds_superuser` that may create databases and roles.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path

import pg8000.native

from . import settings

SUPERUSER = "rdsadmin"

# What a base backup leaves out: the running server's own files, and what PostgreSQL makes anew at its start
# (PostgreSQL documentation, "Making a Base Backup Using the Low Level API"). WAL is copied apart.
_NOT_BACKED_UP = {
    "pg_wal",
    "postmaster.pid",
    "postmaster.opts",
    "server.log",
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
}

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    # The data does not outlive this machine's next crash anyway.
    "fsync": "off",
    "full_page_writes": "on",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_wal_size": "64MB",
    "wal_level": "replica",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresError(Exception):
    """A server or a snapshot could not be made; the message ends with what PostgreSQL said."""


class _Home:
    """Where the binaries and the data of all servers lie, and who runs them.

    PostgreSQL refuses to run as root, so then it runs as `nobody`, who must be able to reach both.
    """

    def __init__(self):
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.folder = self._reachable_folder()
        self.bin = self._reachable_binaries()
        self.superuser_password = secrets.token_hex(16)
        self.template = self.folder / "template"
        self._initialise()

    def run_as(self) -> dict:
        """Options of `subprocess` that make the child run as the servers' account."""
        options = {"env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}}
        if self.account:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return options

    def own(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def copy(self, source: Path, target: Path, *, leave_out: set = frozenset()) -> None:
        """Copies the data of a server, which may be running: a file that vanishes meanwhile is no error."""
        target.mkdir(parents=True, exist_ok=True)
        target.chmod(0o700)
        self.own(target)
        with contextlib.suppress(FileNotFoundError), os.scandir(source) as entries:
            for entry in entries:
                if entry.name in leave_out or entry.name.startswith("pgsql_tmp"):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    self.copy(Path(entry.path), target / entry.name)
                else:
                    self.copy_file(Path(entry.path), target / entry.name)

    def copy_file(self, source: Path, target: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(source, target, follow_symlinks=False)
            self.own(target)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _reachable_folder(self) -> Path:
        folder = settings.DATA_DIR / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
        self.own(folder)
        if self.account:
            # The data folder is ours, and passing through it shows nothing of it.
            settings.DATA_DIR.chmod(settings.DATA_DIR.stat().st_mode | 0o011)
        if not self._can_reach(folder):
            # A folder above is closed to the account. TMPDIR is below it as well.
            parent = next((path for path in ("/tmp", "/var/tmp") if self._can_reach(path)), None)
            if parent is None:
                raise PostgresError(
                    f"`{folder}` must be in folders that the account `{self.account.pw_name}` may pass through, "
                    "neither are /tmp and /var/tmp: do not run it as root, or set TMPDIR to a folder that is"
                )
            folder = Path(tempfile.mkdtemp(prefix="local-aws-postgres-", dir=parent))
            self.own(folder)
        folder.chmod(0o700)
        return folder

    def _can_reach(self, folder) -> bool:
        return self._can_run(["/bin/sh", "-c", 'cd "$0"', str(folder)])

    def _reachable_binaries(self) -> Path:
        binaries = settings.POSTGRES_BIN
        if not (binaries / "postgres").is_file():
            raise PostgresError(
                f"`LOCAL_AWS_POSTGRES_BIN` must be a folder that holds `postgres`, got {binaries}: run `npm ci`"
            )
        if self._can_run([str(binaries / "postgres"), "--version"]):
            return binaries
        # The project lies in a folder that is closed to the account, such as /root.
        native = self.folder / "native"
        shutil.copytree(binaries.parent, native, symlinks=True)
        if not self._can_run([str(native / "bin" / "postgres"), "--version"]):
            raise PostgresError(
                f"`{binaries / 'postgres'}` does not run on this machine, neither does a copy at {native}"
            )
        return native / "bin"

    def _can_run(self, command: list) -> bool:
        try:
            return subprocess.run(command, capture_output=True, cwd="/", **self.run_as()).returncode == 0
        except OSError:
            return False

    def _initialise(self) -> None:
        password_file = self.folder / "superuser"
        password_file.write_text(self.superuser_password)
        self.own(password_file)
        done = subprocess.run(
            [
                self.bin / "initdb",
                "-D",
                self.template,
                "-U",
                SUPERUSER,
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
            ]
            # Small WAL files keep an instance and its snapshots small.
            + [
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C",
                "--builtin-locale=C.UTF-8",
                "--wal-segsize=1",
            ]
            + ["--no-sync", "--no-instructions"],
            capture_output=True,
            text=True,
            cwd="/",
            **self.run_as(),
        )
        password_file.unlink()
        if done.returncode != 0:
            raise PostgresError(f"initdb failed: {(done.stderr or done.stdout).strip()}")


_home_lock = threading.Lock()


@lru_cache(maxsize=1)
def _make_home() -> _Home:
    return _Home()


def _home() -> _Home:
    with _home_lock:
        return _make_home()


class Server:
    """A PostgreSQL server and its data; `port` is set while it runs."""

    def __init__(self, data: Path):
        self.data = data
        self.port = None
        self._process = None
        self._lock = threading.RLock()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, port: int | None = None, recovery: dict | None = None) -> None:
        """Returns when connections are accepted. A port that somebody else took in the meantime is exchanged. `recovery` is
        settings for this start alone."""
        with self._lock:
            if self.running:
                return
            for attempt in range(5):
                try:
                    self._start(port or _free_port(), recovery or {})
                    return
                except PostgresError as error:
                    if port or "could not bind" not in str(error) or attempt == 4:
                        raise

    def stop(self, *, immediately: bool = False) -> None:
        """Ends all connections and the server; `immediately` as a crash would, without a checkpoint."""
        with self._lock:
            if self._process is None:
                return
            # SIGQUIT is PostgreSQL's "immediate" shutdown, SIGINT its "fast" one.
            self._process.send_signal(3 if immediately else 2)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop(immediately=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def create_master(self, user: str, password: str, database: str | None) -> None:
        with self.connection() as connection:
            name = pg8000.native.identifier(user)
            connection.run("CREATE ROLE rds_superuser NOLOGIN")
            connection.run("GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION")
            connection.run(
                f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD {pg8000.native.literal(password)} IN ROLE rds_superuser"
            )
            connection.run(f"ALTER DATABASE postgres OWNER TO {name}")
            connection.run(f"ALTER DATABASE template1 OWNER TO {name}")
            if database and database != "postgres":
                connection.run(f"CREATE DATABASE {pg8000.native.identifier(database)} OWNER {name}")

    def set_password(self, user: str, password: str) -> None:
        with self.connection() as connection:
            connection.run(f"ALTER ROLE {pg8000.native.identifier(user)} PASSWORD {pg8000.native.literal(password)}")

    def snapshot(self, target: Path) -> None:
        """A base backup while the server runs: what was committed when it ends, nothing half.

        A temporary replication slot keeps the WAL that the copy needs; `backup_label` makes a server that starts from the
        copy replay that WAL to the end of the backup, and refuse to start if it is not all there.
        """
        home = _home()
        with self._lock, self.connection() as connection:
            connection.run("SELECT pg_create_physical_replication_slot('snapshot', true, true)")
            connection.run("SELECT pg_backup_start('snapshot', true)")
            home.copy(self.data, target, leave_out=_NOT_BACKED_UP)
            [[end, label, tablespaces]] = connection.run(
                "SELECT pg_walfile_name(lsn), labelfile, spcmapfile FROM pg_backup_stop(false)"
            )
            if tablespaces:
                raise PostgresError("the local AWS does not snapshot tablespaces other than the default one")
            for folder in sorted(_NOT_BACKED_UP - {"postmaster.pid", "postmaster.opts", "server.log"}) + [
                "pg_wal/archive_status"
            ]:
                (target / folder).mkdir(mode=0o700, exist_ok=True)
                home.own(target / folder)
            begin = label.partition("(file ")[2].partition(")")[0]
            for segment in sorted((self.data / "pg_wal").iterdir()):
                if len(segment.name) == 24 and begin <= segment.name <= end:
                    home.copy_file(segment, target / "pg_wal" / segment.name)
            (target / "backup_label").write_text(label)
            home.own(target / "backup_label")

    def keep_wal(self, slot: str) -> None:
        """From now on WAL is kept until `ship_wal` has shipped it; to be called before the base backup that it follows."""
        with self.connection() as connection:
            connection.run("SELECT pg_create_physical_replication_slot(:slot, true)", slot=slot)

    def forget_wal(self, slot: str) -> None:
        """The end of `keep_wal`; a server that does not run keeps it, and goes with it."""
        with self._lock:
            if not self.running:
                return
            with self.connection() as connection:
                connection.run(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :slot", slot=slot
                )

    def ship_wal(self, slot: str, target: Path) -> None:
        """Copies what was written since the last time, and a commit: PostgreSQL recovers to a moment only if the WAL goes
        beyond it."""
        home = _home()
        with self._lock, self.connection() as connection:
            connection.run("SELECT pg_current_xact_id()")
            [[first, last, end]] = connection.run(
                "SELECT pg_walfile_name(restart_lsn), pg_walfile_name(switched), switched::text "
                "FROM pg_replication_slots, pg_switch_wal() AS switched WHERE slot_name = :slot",
                slot=slot,
            )
            target.mkdir(parents=True, exist_ok=True)
            home.own(target)
            for segment in sorted((self.data / "pg_wal").iterdir()):
                if segment.name.endswith(".history") or (len(segment.name) == 24 and first <= segment.name <= last):
                    home.copy_file(segment, target / segment.name)
            connection.run("SELECT pg_replication_slot_advance(:slot, CAST(:lsn AS pg_lsn))", slot=slot, lsn=end)

    @contextlib.contextmanager
    def connection(self):
        """A superuser's connection, for what RDS itself does inside an instance."""
        connection = pg8000.native.Connection(
            SUPERUSER, host="127.0.0.1", port=self.port, database="postgres", password=_home().superuser_password
        )
        try:
            yield connection
        finally:
            connection.close()

    def _start(self, port: int, recovery: dict) -> None:
        home = _home()
        with (self.data / "server.log").open("ab") as log:
            log_start = log.tell()
            home.own(self.data / "server.log")
            options = [option for name, value in (_SETTINGS | recovery).items() for option in ("-c", f"{name}={value}")]
            self._process = subprocess.Popen(
                [home.bin / "postgres", "-D", self.data, "-p", str(port), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **home.run_as(),
            )
        deadline = time.monotonic() + 30
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                self._process.wait()
                self._process = None
                said = (self.data / "server.log").read_bytes()[log_start:].decode(errors="replace")
                raise PostgresError(f"PostgreSQL did not start: {said[-2000:].strip()}")
            time.sleep(0.02)
        self.port = port

    def _ready(self) -> bool:
        # The postmaster writes its state into the eighth line of its pid file.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"


def create(name: str, user: str, password: str, database: str | None) -> Server:
    """A new, running server with a master user and, if named, a database of theirs."""
    server = _server_from(_home().template, name)
    server.start()
    try:
        server.create_master(user, password, database)
    except BaseException:
        server.remove()
        raise
    return server


def restore(snapshot: Path, name: str) -> Server:
    """A new, running server with the data and the passwords of the snapshot."""
    server = _server_from(snapshot, name)
    try:
        server.start()
    except BaseException:
        server.remove()
        raise
    return server


def restore_to_moment(base: Path, wal: Path, name: str, moment: float, *, without_wal: bool = False) -> Server:
    """A new, running server with what was committed at `moment` (seconds since 1970), not after it.

    PostgreSQL refuses to start, and so does this, where the WAL does not reach that moment; `without_wal` makes it so.
    """
    server = _server_from(base, name)
    try:
        home = _home()
        shipped = server.data / "shipped_wal"
        if not without_wal:
            home.copy(wal, shipped)
        signal = server.data / "recovery.signal"
        signal.touch()
        home.own(signal)
        server.start(
            recovery={
                "restore_command": f'cp "{shipped}/%f" "%p"',
                "recovery_target_time": f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M:%S.%f}+00",
                "recovery_target_action": "promote",
                "hot_standby": "off",
            }
        )
        shutil.rmtree(shipped, ignore_errors=True)
    except BaseException:
        server.remove()
        raise
    return server


def snapshot_folder(name: str) -> Path:
    return _home().folder / "snapshots" / name


def copy_snapshot(source: Path, target: Path) -> None:
    _home().copy(source, target)


def remove_snapshot(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def shutdown() -> None:
    """Removes all data; the servers have been stopped by those who started them."""
    with _home_lock:
        if _make_home.cache_info().currsize:
            _make_home().remove()
            _make_home.cache_clear()


def _server_from(source: Path, name: str) -> Server:
    home = _home()
    data = home.folder / "instances" / f"{name}-{secrets.token_hex(4)}"
    for parent in (data.parent.parent, data.parent):
        parent.mkdir(parents=True, exist_ok=True)
        home.own(parent)
    home.copy(source, data)
    return Server(data)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
