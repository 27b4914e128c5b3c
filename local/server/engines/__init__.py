"""The servers that stand for RDS instances: a module per engine, all of them behind `Engine` and `Server`."""

from pathlib import Path

from . import home
from .engine import Engine, EngineError, Server
from .mariadb import MariaDb
from .postgres import Postgres

__all__ = ["Engine", "EngineError", "Server", "copy_data", "engine_of", "remove_data", "shutdown", "snapshot_folder"]

_ENGINES = (Postgres(), MariaDb())


def engine_of(name: str) -> Engine:
    """By the name that RDS has for it. Raises `EngineError` where no server of it is on this machine."""
    engine = next((each for each in _ENGINES if name in each.names), None)
    if engine is None:
        known = ", ".join(name for each in _ENGINES for name in each.names)
        raise EngineError(f"the local AWS has servers for {known}, got '{name}': use one of these to try it here")
    engine.require()
    return engine


def snapshot_folder(name: str) -> Path:
    """Where the data of a snapshot lies, of whichever engine."""
    return home.get().folder / "snapshots" / name


def copy_data(source: Path, target: Path) -> None:
    home.get().copy(source, target)


def remove_data(folder: Path) -> None:
    home.get().remove(folder)


def shutdown() -> None:
    """Removes all data; the servers have been stopped by those who started them."""
    home.remove()
