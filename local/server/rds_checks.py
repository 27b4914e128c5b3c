"""What RDS refuses at once: names, users, passwords and engines, before there is an instance."""

import re

from ministack.services import rds

from .engines import Engine, EngineError, engine_of


class RdsError(Exception):
    """An error of the RDS API."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code

    def response(self):
        return rds._error(self.code, str(self), 404 if "NotFound" in self.code else 400)


def checked_engine(name: str) -> Engine:
    try:
        return engine_of(name)
    except EngineError as error:
        raise RdsError("InvalidParameterValue", f"Invalid DB engine: {error}") from error


def check_identifier(identifier: str, parameter: str = "DBInstanceIdentifier") -> None:
    if not re.fullmatch(r"[a-z](-?[a-z0-9]){0,62}", identifier):
        raise RdsError(
            "InvalidParameterValue",
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.",
        )


def check_user(engine: Engine, user: str) -> None:
    if not user or engine.is_reserved_user(user.lower()):
        raise RdsError(
            "InvalidParameterValue", f"MasterUsername {user} cannot be used as it is a reserved word used by the engine"
        )
    if len(user) > engine.max_user_length:
        raise RdsError(
            "InvalidParameterValue",
            f"The parameter MasterUsername is not a valid identifier because it is longer than {engine.max_user_length} characters.",
        )


def check_password(engine: Engine, password: str) -> None:
    if not 8 <= len(password) <= engine.max_password_length:
        raise RdsError(
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password because it is not 8 to "
            f"{engine.max_password_length} characters long.",
        )
    if re.search(r"[^\x21-\x7e]|[/\"@]", password):
        raise RdsError(
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', "
            "' ' may be used.",
        )


# By what the servers here are called.
_AURORA = {"aurora-postgresql": "postgres", "aurora-mysql": "mysql"}


def checked_cluster_engine(name: str) -> Engine:
    if name not in _AURORA:
        raise RdsError(
            "InvalidParameterValue",
            f"Invalid DB engine: the local AWS has clusters of {', '.join(_AURORA)}, got '{name}': use one of these, or an instance",
        )
    return checked_engine(_AURORA[name])
