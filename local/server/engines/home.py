"""Where the data of all database servers lies, and which account runs them.

Database servers refuse to run as root, so then they run as `nobody`, who must be able to reach data and programs.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

from .. import settings
from .engine import EngineError


class Home:
    def __init__(self):
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.folder = self._reachable_folder()
        # Of the superuser that is in every instance, as RDS has one.
        self.superuser_password = secrets.token_hex(16)

    def run_as(self) -> dict:
        """Options of `subprocess` that make the child run as the servers' account."""
        options = {"cwd": "/", "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}}
        if self.account:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return options

    def run(self, command: list, what: str, **options) -> None:
        """Runs a tool of an engine to its end."""
        done = subprocess.run(command, capture_output=True, text=True, **self.run_as(), **options)
        if done.returncode != 0:
            raise EngineError(f"{what} failed: {(done.stderr or done.stdout).strip()[-2000:]}")

    def can_run(self, command: list) -> bool:
        try:
            return subprocess.run(command, capture_output=True, **self.run_as()).returncode == 0
        except OSError:
            return False

    def own(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def make_folder(self, path: Path) -> None:
        """With its parents below the home."""
        for folder in [*reversed(path.relative_to(self.folder).parents), path.relative_to(self.folder)]:
            (self.folder / folder).mkdir(mode=0o700, exist_ok=True)
            self.own(self.folder / folder)

    def new_data_folder(self, name: str) -> Path:
        folder = self.folder / "instances" / f"{name}-{secrets.token_hex(4)}"
        self.make_folder(folder)
        return folder

    def copy(self, source: Path, target: Path, *, leave_out=lambda name: False) -> None:
        """Copies the data of a server, which may be running: a file that vanishes meanwhile is no error."""
        self.make_folder(target)
        with contextlib.suppress(FileNotFoundError), os.scandir(source) as entries:
            for entry in entries:
                if leave_out(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    self.copy(Path(entry.path), target / entry.name, leave_out=leave_out)
                else:
                    self.copy_file(Path(entry.path), target / entry.name)

    def copy_file(self, source: Path, target: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(source, target, follow_symlinks=False)
            self.own(target)

    def write_file(self, path: Path, text: str) -> None:
        path.write_text(text)
        self.own(path)

    def remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def _reachable_folder(self) -> Path:
        folder = settings.DATA_DIR / "databases"
        folder.mkdir(parents=True, exist_ok=True)
        self.own(folder)
        if self.account:
            # The data folder is ours, and passing through it shows nothing of it.
            settings.DATA_DIR.chmod(settings.DATA_DIR.stat().st_mode | 0o011)
        if not self._can_reach(folder):
            # A folder above is closed to the account. TMPDIR is below it as well.
            parent = next((path for path in ("/tmp", "/var/tmp") if self._can_reach(path)), None)
            if parent is None:
                raise EngineError(
                    f"`{folder}` must be in folders that the account `{self.account.pw_name}` may pass through, "
                    "neither are /tmp and /var/tmp: do not run it as root, or set TMPDIR to a folder that is"
                )
            folder = Path(tempfile.mkdtemp(prefix="local-aws-databases-", dir=parent))
            self.own(folder)
        folder.chmod(0o700)
        return folder

    def _can_reach(self, folder) -> bool:
        return self.can_run(["/bin/sh", "-c", 'cd "$0"', str(folder)])


_lock = threading.RLock()


def once(make):
    """Makes it at the first use, by one thread while the others wait."""
    cached = lru_cache(maxsize=1)(make)

    def get():
        with _lock:
            return cached()

    get.made = lambda: cached.cache_info().currsize > 0
    return get


@once
def get() -> Home:
    return Home()


def remove() -> None:
    if get.made():
        get().remove(get().folder)
