"""MariaDB, which stands for RDS's engines `mariadb` and `mysql`: the server that is on this machine, if there is one."""

import contextlib
import os
import signal
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pymysql

from .. import settings
from . import home
from .engine import SUPERUSER, Engine, EngineError, Server, started

_BINLOG = "binlog"
_SOCKET = "socket"

# The running server's own files, and what it makes anew at its start.
_NOT_BACKED_UP = {_SOCKET, "pid", "server.log", "ibtmp1", "tc.log"}

_SETTINGS = {
    "bind-address": "127.0.0.1",
    # In the data folder, where the server goes: a longer path might not fit into a socket's name.
    "socket": _SOCKET,
    "pid-file": "pid",
    "skip-name-resolve": "ON",
    "character-set-server": "utf8mb4",
    "default-time-zone": "+00:00",
    # The data does not outlive this machine's next crash anyway.
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "8M",
    # A server that is stopped by a signal must not write on in the kernel.
    "innodb-use-native-aio": "OFF",
    "performance-schema": "OFF",
    # Logs to recover to a moment from, as RDS has them where automated backups are on.
    "log-bin": _BINLOG,
    "binlog-format": "ROW",
    "server-id": "1",
}

# What RDS grants its master users (RDS user guide, "Master user account privileges"), as far as MariaDB knows it.
_MASTER_PRIVILEGES = """
    SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,
    CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW,
    CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"""


class MariaDbServer(Server):
    stop_signal = signal.SIGTERM
    crash_signal = signal.SIGKILL
    port_taken = "Bind on TCP/IP port"

    def create_master(self, user: str, password: str, database: str | None) -> None:
        with self.connection() as run:
            run("CREATE USER %s@'%%' IDENTIFIED BY %s", user, password)
            run(f"GRANT {_MASTER_PRIVILEGES} ON *.* TO %s@'%%' WITH GRANT OPTION", user)
            if database:
                run(f"CREATE DATABASE `{database.replace('`', '``')}`")

    def run_in(self, database: str, statement: str) -> None:
        with self.connection() as run:
            run(f"USE `{database}`")
            run(statement)

    def set_password(self, user: str, password: str) -> None:
        with self.connection() as run:
            run("ALTER USER %s@'%%' IDENTIFIED BY %s", user, password)

    def snapshot(self, target: Path) -> None:
        """Of one moment, as a snapshot of its disk would be; a server that starts from it recovers as after a crash.

        No commit is half written then, so that the binary log ends where the data does.
        """
        with self._lock, self.connection() as run:
            run("FLUSH TABLES WITH READ LOCK")
            with self._frozen():
                home.get().copy(self.data, target, leave_out=lambda name: name in _NOT_BACKED_UP)

    def keep_logs(self, name: str) -> None:
        """Binary logs are kept for as long as the server is."""

    def forget_logs(self, name: str) -> None:
        pass

    def ship_logs(self, name: str, target: Path) -> None:
        folders = home.get()
        with self._lock, self.connection() as run:
            run("FLUSH BINARY LOGS")
            folders.make_folder(target)
            # The last one is the one that is written to.
            for log in _binary_logs(self.data)[:-1]:
                if not (target / log.name).exists():
                    folders.copy_file(log, target / log.name)

    def replay(self, logs: list[Path], position: int, moment: float | None) -> None:
        """What the logs hold, from the position in the first one on, and before the second of the moment if there is one."""
        limits = [f"--start-position={position}"]
        if moment is not None:
            limits += [f"--stop-datetime={datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M:%S}"]
        run_as = home.get().run_as()
        credentials = {"MYSQL_PWD": home.get().superuser_password}
        with subprocess.Popen(
            [_program("mariadb-binlog"), "--no-defaults", *limits, *logs],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **run_as,
        ) as reader:
            writer = subprocess.run(
                [_program("mariadb"), "--no-defaults", "--host=127.0.0.1", f"--port={self.port}", f"--user={SUPERUSER}"]
                + ["--binary-mode"],
                stdin=reader.stdout,
                capture_output=True,
                text=True,
                **{**run_as, "env": run_as["env"] | credentials},
            )
            said = reader.stderr.read().decode(errors="replace")
        if writer.returncode != 0 or reader.returncode != 0:
            raise EngineError(f"the binary logs could not be replayed: {(writer.stderr or said).strip()[-2000:]}")

    @contextlib.contextmanager
    def connection(self):
        """Runs statements of a superuser, for what RDS itself does inside an instance."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user=SUPERUSER, password=home.get().superuser_password, autocommit=True
        )
        try:
            with connection.cursor() as cursor:
                yield lambda statement, *values: cursor.execute(statement, values)
        finally:
            connection.close()

    @contextlib.contextmanager
    def _frozen(self):
        """No thread of the server runs, and so nothing is written."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            # Only when all threads have stopped.
            _, status = os.waitpid(self._process.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                raise EngineError("MariaDB ended while its snapshot was taken")
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _spawn(self, port: int, options: dict, log) -> subprocess.Popen:
        return subprocess.Popen(
            [_program("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--port={port}"]
            + [f"--{name}={value}" for name, value in (_SETTINGS | options).items()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **home.get().run_as(),
        )

    def _ready(self) -> bool:
        try:
            # Of ours, since somebody else may have the port.
            if (self.data / "pid").read_text().strip() != str(self._process.pid):
                return False
            with self.connection():
                return True
        except (FileNotFoundError, pymysql.err.OperationalError):
            return False


class MariaDb(Engine):
    names = ("mysql", "mariadb")
    max_user_length = 16
    max_password_length = 41

    def require(self) -> None:
        for name in ("mariadbd", "mariadb-install-db"):
            _program(name)

    def is_reserved_user(self, user: str) -> bool:
        return user in (SUPERUSER, "rdsrepladmin", "root", "mariadb.sys", "mysql")

    def create(self, name: str, user: str, password: str, database: str | None) -> MariaDbServer:
        server = _server_from(_template(), name)
        return started(server, lambda: server.create_master(user, password, database))

    def restore(self, snapshot: Path, name: str) -> MariaDbServer:
        return started(_server_from(snapshot, name))

    def restore_to_moment(
        self, base: Path, logs: Path, name: str, moment: float, *, is_latest: bool, without_logs: bool
    ) -> MariaDbServer:
        """Binary logs tell seconds apart, nothing less: the second that the moment is in does not come back."""
        last = _binary_logs(base)[-1]
        shipped = [] if without_logs else [log for log in _binary_logs(logs) if log.name >= last.name]
        if not shipped or shipped[0].name != last.name:
            raise EngineError(f"the binary logs since {last.name} are not there")
        server = _server_from(base, name)
        return started(server, lambda: server.replay(shipped, last.stat().st_size, None if is_latest else moment))


def _program(name: str) -> Path:
    try:
        return settings.MARIADB[name]
    except KeyError:
        raise EngineError(
            f"the local AWS runs MySQL and MariaDB instances by MariaDB's server, and `{name}` is not on the PATH: install "
            "it (Debian, Ubuntu: mariadb-server; Homebrew: mariadb)"
        ) from None


def _binary_logs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{_BINLOG}.*") if path.suffix[1:].isdigit())


def _server_from(source: Path, name: str) -> MariaDbServer:
    data = home.get().new_data_folder(name)
    home.get().copy(source, data)
    return MariaDbServer(data)


@home.once
def _template() -> Path:
    """With the superuser as its only user, who may come from this machine alone."""
    folders = home.get()
    template = folders.folder / "mariadb-template"
    options = [f"--{name}={_SETTINGS[name]}" for name in ("innodb-log-file-size", "innodb-use-native-aio")]
    folders.run(
        [_program("mariadb-install-db"), "--no-defaults", f"--datadir={template}", "--skip-test-db", *options]
        + ["--auth-root-authentication-method=normal", "--skip-name-resolve"],
        "mariadb-install-db",
    )
    setup = folders.folder / "setup.sql"
    folders.write_file(
        setup,
        f"CREATE USER {SUPERUSER}@'127.0.0.1' IDENTIFIED BY '{folders.superuser_password}';\n"
        f"GRANT ALL ON *.* TO {SUPERUSER}@'127.0.0.1' WITH GRANT OPTION;\n"
        f"DELETE FROM mysql.global_priv WHERE User NOT IN ('{SUPERUSER}', 'mariadb.sys');\n"
        "FLUSH PRIVILEGES;\nSHUTDOWN;\n",
    )
    once = {"skip-networking": "ON", "init-file": setup, "skip-log-bin": "ON"}
    without_logs = {name: value for name, value in _SETTINGS.items() if name not in ("log-bin", "binlog-format")}
    try:
        folders.run(
            [_program("mariadbd"), "--no-defaults", f"--datadir={template}"]
            + [f"--{name}={value}" for name, value in (without_logs | once).items()],
            "The first start of MariaDB",
        )
    finally:
        setup.unlink()
    return template
