"""What a request must look like before anything is changed."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import msgspec

from include.stack.compute.errors import invalid

# The patterns are those of Google's discovery document (compute.v1.json).
_NAME = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
_PROJECT = (
    r"(?:(?:[-a-z0-9]{1,63}\.)*(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?):)?"
    r"(?:[0-9]{1,19}|(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?))"
)
_ZONE = r"[a-z]+-[a-z]+[0-9]+-[a-z]"
_MACHINE_TYPE = (
    r"(?:https?://[^/]+/compute/v1/)?(?:projects/[^/]+/)?zones/([^/]+)/machineTypes/[^/]+"
)

_MOST_LEVELS = 100


def check_place(project: str, zone: str) -> None:
    """Refuse a project or zone that Compute Engine could not know."""
    if not re.fullmatch(_PROJECT, project):
        raise invalid("project", project, f"Must be a match of regex '{_PROJECT}'")
    if not re.fullmatch(_ZONE, zone):
        raise invalid("zone", zone, "Unknown zone")


def check_request_id(request_id: str) -> None:
    """Refuse a ``requestId`` that is not a UUID."""
    try:
        UUID(request_id)
    except ValueError:
        raise invalid("requestId", request_id, "Must be a UUID") from None


def check_instance_body(body: dict[str, Any], zone: str) -> None:
    """Refuse an instance that lacks what Compute Engine requires: name, machine, disk, network.

    And one that cannot be kept: with half a surrogate pair, or endless nesting.
    """
    name = body.get("name", "")
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise invalid("resource.name", name, f"Must be a match of regex '(?:{_NAME})'")
    machine_type = body.get("machineType", "")
    match = re.fullmatch(_MACHINE_TYPE, machine_type) if isinstance(machine_type, str) else None
    if match is None:
        raise invalid("resource.machineType", machine_type, "The URL is malformed")
    if match[1] != zone:
        raise invalid("resource.machineType", machine_type, f"It must be in zone '{zone}'")
    disks = _objects(body, "disks", "At least one disk is required")
    if not disks[0].get("boot"):
        raise invalid("resource.disks[0].boot", "false", "The first disk must be a boot disk")
    _objects(body, "networkInterfaces", "At least one network interface is required")
    # Kept, such a body could be neither written nor shown: nothing would be answered any more.
    if _is_deeper(body, _MOST_LEVELS):
        raise invalid("resource", name, f"It is nested deeper than {_MOST_LEVELS} levels")
    try:
        msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        raise invalid("resource", name, f"It is no text: {error}") from None


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return not levels or any(_is_deeper(item, levels - 1) for item in value)


def _objects(body: dict[str, Any], field: str, problem: str) -> list[dict[str, Any]]:
    items = body.get(field)
    if not items:
        raise invalid(f"resource.{field}", "", problem)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid(f"resource.{field}", items, "Must be a list of objects")
    return items
