"""Check requests and answers against Google's own descriptions of its REST APIs.

These discovery documents ship with googleapiclient; their format is described at
https://developers.google.com/discovery/v1/reference/apis. The checks of requests are stricter than
Google's: fields that only Google fills in are refused instead of ignored when a resource is
created, and a 64-bit number must be a string of digits, as its type in the document says.
`jsonschema` is not used: the references, required and read-only fields, patterns and formats of
these documents mean something else than in JSON Schema, which leaves types and enums.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Final
from urllib.parse import unquote

import msgspec

from include.stack.compute.errors import ApiError, invalid

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "any": (bool, dict, float, int, list, str, type(None)),
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_NAMES: Final = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}
_RANGES: Final = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_FORMATS: Final = {
    "date-time": _MOMENT,
    "google-datetime": _MOMENT,
    "google-duration": r"-?\d+(\.\d{1,9})?s",
}


class Schema(
    msgspec.Struct,
    frozen=True,
    rename={"ref": "$ref", "read_only": "readOnly", "values": "additionalProperties"},
):
    """The document's schema of a resource, field or parameter, without the parts not used here."""

    type: str = "object"
    ref: str = ""
    format: str = ""
    pattern: str = ""
    default: str = ""
    description: str = ""
    enum: tuple[str, ...] = ()
    required: bool = False
    read_only: bool = False
    items: Schema | None = None
    values: Schema | None = None
    properties: dict[str, Schema] = {}
    annotations: dict[str, tuple[str, ...]] = {}
    location: str = ""


class _Protocol(msgspec.Struct, frozen=True):
    path: str


class _MediaUpload(msgspec.Struct, frozen=True):
    protocols: dict[str, _Protocol]


class Method(msgspec.Struct, frozen=True, rename="camel"):
    """A method of an API: its name, such as ``compute.instances.insert``, its URL and schemas."""

    id: str
    path: str
    http_method: str
    parameters: dict[str, Schema] = {}
    request: Schema | None = None
    response: Schema | None = None
    media_upload: _MediaUpload | None = None
    use_media_download_service: bool = False


class _Resource(msgspec.Struct, frozen=True):
    methods: dict[str, Method] = {}
    resources: dict[str, _Resource] = {}


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    service_path: str
    parameters: dict[str, Schema]
    resources: dict[str, _Resource]
    schemas: dict[str, Schema]


class _Route(msgspec.Struct, frozen=True, dict=True):
    """The URL of a method. Its regular expression is compiled when a request may match."""

    method: Method
    template: str
    name: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pattern = ""
        for literal, name in re.findall(r"([^{]*)(?:\{(\+?\w+)\})?", self.template):
            pattern += re.escape(literal)
            if name:
                pattern += f"(?P<{name.lstrip('+')}>{self._values(name)})"
        return re.compile(pattern)

    def _values(self, name: str) -> str:
        if not name.startswith("+"):
            return self.name
        # A name with slashes: the parameter's pattern says which.
        own = self.method.parameters[name[1:]].pattern
        return own.removeprefix("^").removesuffix("$").replace("[^/]+", self.name)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the path's parameters, or None if it is not the method's."""
        if not path.endswith(self.template.rpartition("}")[2]):
            return None
        if "{+" not in self.template and path.count("/") != self.template.count("/"):
            return None
        found = self._pattern.fullmatch(path)
        return found and {name: unquote(text) for name, text in found.groupdict().items()}


class Api:
    """A version of one of Google's APIs; ``document`` is its document's name: ``compute.v1``."""

    def __init__(self, document: str) -> None:
        text = files("googleapiclient").joinpath(f"discovery_cache/documents/{document}.json")
        self._document = msgspec.json.decode(text.read_bytes(), type=_Document)
        self.methods = {method.id: method for method in _methods(self._document.resources)}

    @property
    def service_path(self) -> str:
        """The part of every URL's path before the methods' own: ``compute/v1/``, or ""."""
        return self._document.service_path

    @property
    def schemas(self) -> dict[str, Schema]:
        """The schemas of the API's resources, requests and answers."""
        return self._document.schemas

    @cached_property
    def _routes(self) -> list[_Route]:
        routes = [(m, f"{self.service_path}{m.path}") for m in self.methods.values()]
        for method in self.methods.values():
            if method.media_upload:
                routes.append((method, method.media_upload.protocols["simple"].path.lstrip("/")))
            if method.use_media_download_service:
                routes.append((method, f"download/{self.service_path}{method.path}"))
        # In an API with methods such as `…:setIamPolicy`, a name ends at the colon.
        name = "[^/:]+" if any(":" in template for _, template in routes) else "[^/]+"
        return [_Route(method, template, name) for method, template in routes]

    def route(self, http_method: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """Return the method of a request and the parameters in its path, or None.

        ``path`` is as it was sent: escaped, and without the first slash.
        """
        for route in self._routes:
            if route.method.http_method == http_method:
                parameters = route.match(path)
                if parameters is not None:
                    return route.method, parameters
        return None

    def check_parameters(
        self, method: str, path: Mapping[str, str], query: Iterable[tuple[str, str]]
    ) -> None:
        """Raise the API's 400 if a method lacks a parameter or does not accept its value."""
        own, common = self.methods[method].parameters, self._document.parameters
        for name, text in path.items():
            _check_text(own[name], text, name)
        given = list(query)
        for name, text in given:
            parameter = own.get(name) or common.get(name)
            if parameter is None or parameter.location != "query":
                name = _shown(name)
                raise _malformed(
                    f'Unknown name "{name}": Cannot bind query parameter. '
                    f"Field '{name}' could not be found in request message."
                )
            _check_text(parameter, text, name)
        for name, parameter in own.items():
            if _required(parameter) and name not in {*path, *dict(given)}:
                raise ApiError(400, "required", f"Required parameter: {name}")

    def check_request(self, method: str, body: object) -> None:
        """Raise the API's 400 unless a method accepts the body; None is a request without one."""
        asked = self.methods[method]
        if asked.request is None:
            if body is not None:
                raise _malformed(f"{method} takes no body.")
        elif body is not None:
            _Check(self.schemas, asked, answer=False).value(asked.request, body, "resource")

    def check_answer(self, method: str, body: object) -> None:
        """Raise ValueError unless the body is an answer that the method may give."""
        asked = self.methods[method]
        if asked.response is None:
            if body is not None:
                raise ValueError(f"{method} answers without a body")
            return
        try:
            _Check(self.schemas, asked, answer=True).value(asked.response, body, "answer")
        except ApiError as error:
            raise ValueError(f"{method} may not give this answer: {error.message}") from error


@cache
def api(document: str) -> Api:
    """Return an API. It is read when it is first needed, so that a server starts fast."""
    return Api(document)


def _methods(resources: Mapping[str, _Resource]) -> Iterator[Method]:
    for resource in resources.values():
        yield from resource.methods.values()
        yield from _methods(resource.resources)


class _Check:
    """The check of one body: a request's, or the answer's."""

    def __init__(self, schemas: Mapping[str, Schema], method: Method, *, answer: bool) -> None:
        self._schemas = schemas
        self._method = method
        self._answer = answer

    def value(self, schema: Schema, value: object, path: str) -> None:
        """Check a value; ``path`` names it as in Google's messages: ``resource.disks[0].boot``."""
        if schema.read_only and not self._answer:
            # A client may send a resource again as it has read it.
            if self._method.http_method != "POST":
                return
            raise invalid(path, _shown(value), "It is output only: Google fills it in")
        if schema.ref:
            schema = self._schemas[schema.ref]
        # `type` and not `isinstance`: True is an int in Python, but not a number in JSON.
        if type(value) not in _KINDS[schema.type]:
            problem = f"Must be of type {schema.type}, not {_NAMES[type(value)]}"
            raise invalid(path, _shown(value), problem)
        if isinstance(value, dict):
            self._object(schema, value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._item(schema, item, f"{path}[{index}]")
        elif isinstance(value, str):
            _check_string(schema, value, path, f"(?:{schema.pattern})")
        elif schema.format in _RANGES and isinstance(value, int):
            _check_range(schema, value, path)

    def _object(self, schema: Schema, value: dict[str, object], path: str) -> None:
        for name, field in schema.properties.items():
            if name not in value and self._requires(field):
                raise invalid(f"{path}.{name}", "", "It is required")
        for name, member in value.items():
            if schema.values:
                _check_unicode(name, path)
                # The document calls all values of `Any` objects; `@type` is a text.
                if name != "@type":
                    self.value(schema.values, member, f"{path}.{name}")
            elif name in schema.properties:
                self.value(schema.properties[name], member, f"{path}.{name}")
            elif schema.type != "any":
                raise _malformed(f"Unknown name \"{_shown(name)}\" at '{path}': Cannot find field.")

    def _requires(self, field: Schema) -> bool:
        if self._answer:
            return False
        return self._method.id in field.annotations.get("required", ()) or (
            self._method.http_method == "POST" and _required(field)
        )

    def _item(self, array: Schema, item: object, path: str) -> None:
        if array.items:
            self.value(array.items, item, path)
        # For network tags, the document has the items' pattern at the array.
        if array.pattern:
            _check_pattern(array.pattern, str(item), path, f"(?:{array.pattern})")


def _required(schema: Schema) -> bool:
    """Whether the document calls a field or parameter required, which it may do in words only."""
    return schema.required or schema.description.startswith("Required. ")


def _check_text(parameter: Schema, text: str, name: str) -> None:
    """Check a parameter's value, which is text whatever the parameter's type is."""
    if parameter.type == "boolean" and text not in ("true", "false"):
        raise invalid(name, _shown(text), "Must be true or false")
    if parameter.type == "integer":
        _check_digits(parameter, text, name)
    _check_string(parameter, text, name, parameter.pattern)


def _check_string(schema: Schema, text: str, path: str, shown_pattern: str) -> None:
    _check_unicode(text, path)
    if schema.enum and text not in schema.enum:
        raise invalid(path, text, f"Must be one of {', '.join(schema.enum)}")
    if schema.pattern:
        _check_pattern(schema.pattern, text, path, shown_pattern)
    if schema.format in _RANGES and schema.type == "string":
        _check_digits(schema, text, path)
    if schema.format in _FORMATS and not re.fullmatch(_FORMATS[schema.format], text):
        raise invalid(path, text, f"Must be a {schema.format}")
    if schema.format == "byte":
        try:
            base64.b64decode(text, altchars=b"-_" if set(text) & set("-_") else None, validate=True)
        except ValueError:
            raise invalid(path, text, "Must be base64") from None


def _check_pattern(pattern: str, text: str, path: str, shown: str) -> None:
    if not re.fullmatch(pattern, text):
        raise invalid(path, _shown(text), f"Must be a match of regex '{shown}'")


def _check_digits(schema: Schema, text: str, path: str) -> None:
    if not re.fullmatch("-?[0-9]{1,20}", text):
        raise invalid(path, _shown(text), f"Must be a number in digits ({schema.format})")
    _check_range(schema, int(text), path)


def _check_range(schema: Schema, number: int, path: str) -> None:
    least, most = _RANGES[schema.format]
    if not least <= number <= most:
        raise invalid(path, number, f"Must be from {least} to {most} ({schema.format})")


def _check_unicode(text: str, path: str) -> None:
    """Refuse half a surrogate pair, which JSON allows but which cannot be stored or shown."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid(path, _shown(text), f"Must be valid Unicode text: {error.reason}") from None


def _shown(value: object) -> str:
    """Return a value as text for a message; objects and arrays are shortened to their brackets."""
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    return str(value).encode(errors="backslashreplace").decode()


def _malformed(problem: str) -> ApiError:
    return ApiError(400, "invalid", f"Invalid JSON payload received. {problem}")
