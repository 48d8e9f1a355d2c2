"""Conversion of instances, disks and operations to Compute Engine's JSON resources.

https://cloud.google.com/compute/docs/reference/rest/v1/instances and ``…/zoneOperations``
"""

from __future__ import annotations

import re
from typing import Any

from include.stack.compute.errors import invalid
from include.stack.compute.state import Disk, Instance, Operation

Json = dict[str, Any]

_CONDITION = re.compile(r"\(?\s*(\w+)\s*(=|!=|eq\b|ne\b)\s*(\"[^\"]*\"|'[^']*'|[^\s\"'()]+)\s*\)?")


def instance_json(instance: Instance, base: str) -> Json:
    """Return an instance resource; ``base`` is the API's root URL, ``…/compute/v1``."""
    zone = f"{base}/{instance.zone.path}"
    resource = {
        **instance.body,
        "kind": "compute#instance",
        "id": instance.id,
        "name": instance.name,
        "zone": zone,
        "selfLink": f"{base}/{instance.path}",
        "machineType": f"{zone}/machineTypes/{instance.body['machineType'].rsplit('/', 1)[-1]}",
        "status": instance.status,
        "creationTimestamp": instance.created,
        "lastStartTimestamp": instance.last_start,
        "lastStopTimestamp": instance.last_stop,
        "networkInterfaces": [
            {**interface, "name": f"nic{index}", "networkIP": "127.0.0.1"}
            for index, interface in enumerate(instance.body["networkInterfaces"])
        ],
    }
    return _known(resource)


def disk_json(disk: Disk, base: str) -> Json:
    """Return a disk resource; ``base`` is the API's root URL, ``…/compute/v1``."""
    return {
        "kind": "compute#disk",
        "name": disk.name,
        "zone": f"{base}/{disk.zone.path}",
        "type": f"{base}/{disk.zone.path}/diskTypes/{disk.type or 'pd-standard'}",
        "selfLink": f"{base}/{disk.path}",
        "status": "READY",
    }


def operation_json(operation: Operation, base: str) -> Json:
    """Return an operation resource; ``base`` is the API's root URL, ``…/compute/v1``."""
    resource: Json = {
        "kind": "compute#operation",
        "id": operation.id,
        "name": operation.name,
        "operationType": operation.type,
        "zone": f"{base}/{operation.zone.path}",
        "selfLink": f"{base}/{operation.path}",
        "targetLink": f"{base}/{operation.zone.path}/instances/{operation.target}",
        "targetId": operation.target_id,
        "clientOperationId": operation.request_id,
        "status": operation.status,
        "progress": 100 if operation.status == "DONE" else 0,
        "insertTime": operation.inserted,
        "startTime": operation.started,
        "endTime": operation.ended,
        "statusMessage": operation.message,
        "user": "system" if operation.message else None,
    }
    if operation.failure:
        error: Json = {"code": operation.failure.code, "message": operation.failure.message}
        if operation.failure.details:
            error["errorDetails"] = operation.failure.details
        resource["error"] = {"errors": [error]}
        resource["httpErrorStatusCode"] = operation.failure.http_status
        resource["httpErrorMessage"] = operation.failure.http_message
    return _known(resource)


def list_json(kind: str, link: str, items: list[Json], condition: str | None) -> Json:
    """Return a list resource with the items that match the filter's condition.

    Raises the API's 400 for a filter with more than one condition, which is not emulated.
    """
    if condition:
        items = _filtered(items, condition)
    return {"kind": f"compute#{kind}", "id": link, "selfLink": link, "items": items}


def _filtered(items: list[Json], condition: str) -> list[Json]:
    match = _CONDITION.fullmatch(condition.strip())
    if match is None:
        raise invalid("filter", condition, "Must be one condition, such as name = value")
    field, operator, value = match[1], match[2], match[3].strip("\"'")
    pattern = value if operator in ("eq", "ne") else re.escape(value)
    try:
        wanted = re.compile(pattern)
    except re.error:
        raise invalid("filter", condition, "The regular expression is malformed") from None
    matching = operator in ("=", "eq")
    return [i for i in items if bool(wanted.fullmatch(str(i.get(field, "")))) is matching]


def _known(resource: Json) -> Json:
    """Leave out the fields without a value, as the API does."""
    return {field: value for field, value in resource.items() if value is not None}
