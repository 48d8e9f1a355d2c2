"""Check requests against Google's own description of the Compute Engine API.

This discovery document ships with googleapiclient; its format is described at
https://developers.google.com/discovery/v1/reference/apis. The checks are stricter than Google's:
fields that only Google fills in are refused instead of ignored, and a 64-bit number must be a
string of digits, as its type in the document says. `jsonschema` is not used: this document's
references, required and read-only fields, patterns and formats mean something else than in JSON
Schema, which leaves types and enums.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from include.stack.compute.errors import ApiError, invalid

_DOCUMENT: Final = "discovery_cache/documents/compute.v1.json"

#: The only method with a body.
_INSERT: Final = "compute.instances.insert"

_KINDS: Final[dict[str, tuple[type, ...]]] = {
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
    enum: tuple[str, ...] = ()
    read_only: bool = False
    items: Schema | None = None
    values: Schema | None = None
    properties: dict[str, Schema] = {}
    annotations: dict[str, tuple[str, ...]] = {}
    location: str = ""


class _Method(msgspec.Struct, frozen=True):
    parameters: dict[str, Schema]


class _Resource(msgspec.Struct, frozen=True):
    methods: dict[str, _Method] = {}


class _Document(msgspec.Struct, frozen=True):
    parameters: dict[str, Schema]
    resources: dict[str, _Resource]
    schemas: dict[str, Schema]


@cache
def _document() -> _Document:
    """Return the document. It is read at the first request, so that the emulator starts fast."""
    text = files("googleapiclient").joinpath(_DOCUMENT).read_bytes()
    return msgspec.json.decode(text, type=_Document)


def check_insert(body: dict[str, Any]) -> None:
    """Raise the API's 400 unless ``instances.insert`` accepts the body."""
    _check(_document().schemas["Instance"], body, "resource")


def check_parameters(method: str, path: Mapping[str, str], query: Mapping[str, str]) -> None:
    """Raise the API's 400 if the method does not have a parameter or does not accept its value."""
    own, common = _method(method).parameters, _document().parameters
    for name, text in path.items():
        _check_text(own[name], text, name)
    for name, text in query.items():
        parameter = own.get(name) or common.get(name)
        if parameter is None or parameter.location != "query":
            name = _shown(name)
            raise _malformed(
                f'Unknown name "{name}": Cannot bind query parameter. '
                f"Field '{name}' could not be found in request message."
            )
        _check_text(parameter, text, name)


def _method(name: str) -> _Method:
    resource, method = name.split(".")
    return _document().resources[resource].methods[method]


def _check(schema: Schema, value: object, path: str) -> None:
    """Check a value; ``path`` names it as the API's messages do: ``resource.disks[0].boot``."""
    if schema.read_only:
        raise invalid(path, _shown(value), "It is output only: Compute Engine fills it in")
    if schema.ref:
        schema = _document().schemas[schema.ref]
    # `type` and not `isinstance`: True is an int in Python, but not a number in JSON.
    if type(value) not in _KINDS[schema.type]:
        problem = f"Must be of type {schema.type}, not {_NAMES[type(value)]}"
        raise invalid(path, _shown(value), problem)
    if isinstance(value, dict):
        _check_object(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_item(schema, item, f"{path}[{index}]")
    elif isinstance(value, str):
        _check_string(schema, value, path, f"(?:{schema.pattern})")
    elif schema.format in _RANGES and isinstance(value, int):
        _check_range(schema, value, path)


def _check_object(schema: Schema, value: dict[str, object], path: str) -> None:
    for name, field in schema.properties.items():
        if _INSERT in field.annotations.get("required", ()) and name not in value:
            raise invalid(f"{path}.{name}", "", "It is required")
    for name, member in value.items():
        if schema.values:
            _check_unicode(name, path)
            _check(schema.values, member, f"{path}.{name}")
        elif name in schema.properties:
            _check(schema.properties[name], member, f"{path}.{name}")
        else:
            raise _malformed(f"Unknown name \"{_shown(name)}\" at '{path}': Cannot find field.")


def _check_item(array: Schema, item: object, path: str) -> None:
    assert array.items  # noqa: S101 - every array in the document has its items
    _check(array.items, item, path)
    # For network tags, the document has the items' pattern at the array.
    if array.pattern:
        _check_pattern(array.pattern, str(item), path, f"(?:{array.pattern})")


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
