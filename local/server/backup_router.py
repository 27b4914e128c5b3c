"""The REST routes of AWS Backup, taken from its service model, so that names, places and types of parameters are AWS's."""

import json
import re
from datetime import datetime

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator
from ministack.services import backup


class BackupError(Exception):
    """An error of the AWS Backup API, of a code that its documentation lists."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class Router:
    """Calls the handler of an operation with its parameters by name; what it returns is the response."""

    def __init__(self, handlers: dict):
        model = ServiceModel(Loader().load_service_model("backup", "service-2"), "backup")
        routes = [_Route(model.operation_model(name), handler) for name, handler in handlers.items()]
        # The longer fixed text first: an ARN in a path may hold slashes, and would swallow what follows it.
        self._routes = sorted(routes, key=lambda route: -route.fixed_length)

    def handle(self, method: str, path: str, query: dict, body: bytes):
        """The response, or None if no handler is for this request."""
        for route in self._routes:
            if match := route.match(method, path):
                try:
                    return backup._ok(_public(route.call(match.groupdict(), query, body) or {}))
                except BackupError as error:
                    return backup._err(error.code, str(error), 400)
        return None


class _Route:
    def __init__(self, operation, handler):
        self._operation = operation
        self._handler = handler
        uri = operation.http["requestUri"].rstrip("/")
        self.fixed_length = len(re.sub(r"{.*?}", "", uri))
        pattern = re.sub(r"{(\w+)}", lambda m: f"(?P<{m[1]}>{'.+?' if m[1].endswith('Arn') else '[^/]+'})", uri)
        self._pattern = re.compile(f"{pattern}/?")

    def match(self, method: str, path: str):
        return self._pattern.fullmatch(path) if method == self._operation.http["method"] else None

    def call(self, in_path: dict, query: dict, body: bytes) -> dict:
        shape = self._operation.input_shape
        parameters = _json(body)
        for name, member in shape.members.items():
            location, wire_name = member.serialization.get("location"), member.serialization.get("name")
            if location == "uri":
                parameters[name] = in_path[wire_name]
            elif location == "querystring" and query.get(wire_name):
                value = query[wire_name]
                parameters[name] = _parsed(value[0] if isinstance(value, list) else value, member.type_name)
        report = ParamValidator().validate(parameters, shape)
        if report.has_errors():
            text = report.generate_report()
            missing = "Missing required parameter" in text
            raise BackupError("MissingParameterValueException" if missing else "InvalidParameterValueException", text)
        return self._handler(parameters)


def _json(body: bytes) -> dict:
    try:
        return json.loads(body) if body else {}
    except ValueError as error:
        raise BackupError("InvalidRequestException", f"The body is not JSON: {error}") from error


def _parsed(text: str, type_name: str):
    try:
        if type_name == "integer":
            return int(text)
        if type_name == "boolean":
            return text == "true"
        if type_name == "timestamp":
            return parse_timestamp(text)
    except ValueError as error:
        raise BackupError("InvalidParameterValueException", f"`{text}` is no {type_name}") from error
    return text


def _public(value):
    """Without what is absent or for this program alone (names that begin with `_`)."""
    if isinstance(value, dict):
        return {name: _public(item) for name, item in value.items() if item is not None and not name.startswith("_")}
    if isinstance(value, list):
        return [_public(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value
