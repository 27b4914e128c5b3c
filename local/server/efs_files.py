"""Copies of the folders that stand for EFS file systems, as a backup keeps them and a restore brings them back."""

import contextlib
import os
import shutil
import stat
from pathlib import Path


def copy_tree(source: Path, target: Path) -> int:
    """Copies everything below `source` into `target`, and returns the bytes of the regular files.

    Modes, times, symbolic links (never followed) and hard links are kept; owners too, where this process may set them.
    Sockets, pipes and devices are left out. A file that vanishes meanwhile is no error: a backup of a file system in use
    may miss it on AWS as well.
    """
    target.mkdir(parents=True, exist_ok=True)
    return _copy_folder(source, target, {})


def size(folder: Path) -> int:
    """The bytes of all regular files below `folder`."""
    return sum(os.lstat(os.path.join(parent, name)).st_size for parent, _, names in os.walk(folder) for name in names)


def _copy_folder(source: Path, target: Path, seen: dict) -> int:
    copied = 0
    with os.scandir(source) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                copied += copy_entry(Path(entry.path), target / entry.name, seen)
    _keep_metadata(source, target)
    return copied


def copy_entry(source: Path, target: Path, seen: dict) -> int:
    """Copies one file, link or folder with all it holds. `seen` knows the hard links of this copy, by inode."""
    status = source.lstat()
    if stat.S_ISDIR(status.st_mode):
        target.mkdir(exist_ok=True)
        return _copy_folder(source, target, seen)
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(os.readlink(source))
        _keep_metadata(source, target)
        return 0
    if not stat.S_ISREG(status.st_mode):
        return 0
    inode = (status.st_dev, status.st_ino)
    if inode in seen:
        os.link(seen[inode], target)
        return 0
    shutil.copyfile(source, target)
    _keep_metadata(source, target)
    if status.st_nlink > 1:
        seen[inode] = target
    return status.st_size


def _keep_metadata(source: Path, target: Path) -> None:
    status = source.lstat()
    if os.geteuid() == 0:
        # Before the mode: a change of owner clears the set-user-id bit.
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
