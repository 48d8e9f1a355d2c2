"""What all resources have in common: they are created, read, listed, changed and deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from include.stack.compute.errors import already_exists, not_ready
from include.stack.compute.resources import list_json
from tests.support.cloud.googleapis import operations
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.http import Json

_DATA: Final = Path(__file__).with_name("data")

#: A full or partial URL of a resource of Compute Engine.
_LINK: Final = re.compile(
    r"(?:https?://[^/]+/compute/v1/)?(?:projects/([^/]+)/)?"
    r"((?:global|(?:zones|regions)/[^/]+)/(\w+)/(?:family/)?[^/]+)"
)

#: Resources that Google has, and whose existence is not asked for here.
_GOOGLES: Final = ("images", "machineTypes", "diskTypes")


@cache
def data(name: str) -> Any:
    """Return a data file's content."""
    return json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))


def get(call: Call) -> Json:
    """Return a resource."""
    return call.resource()


def listed(call: Call) -> Json:
    """Return a page of a collection's resources."""
    prefix = f"{call.key}/"
    keys = [k for k in call.google.resources if k.startswith(prefix)]
    items = [call.google.resources[k] for k in keys if "/" not in k.removeprefix(prefix)]
    return page(call, items)


def page(call: Call, items: list[Json]) -> Json:
    """Return a page of these resources, as the method's answer has them."""
    assert call.method.response
    schema = call.api.schemas[call.method.response.ref]
    if condition := call.query.get("filter"):
        items = list_json("", "", items, condition)["items"]
    name = next(n for n, s in schema.properties.items() if s.items and s.items.ref)
    most = int(call.query.get("maxResults") or call.query.get("pageSize") or 0)
    most = min(filter(None, (most, call.google.page_size)), default=len(items))
    start = int(call.query.get("pageToken") or 0)
    answer: Json = {name: items[start : start + most]} if items else {}
    if start + most < len(items):
        answer["nextPageToken"] = str(start + most)
    fill(call, answer, call.method.response.ref, call.key)
    return answer


def create(call: Call) -> Json:
    """Create a resource; with an operation, it is ready when that is done."""
    return store(call, dict(call.body), _new_name(call))


def store(call: Call, resource: Json, name: str, schema: str = "") -> Json:
    """Keep a new resource of the request's collection, and return the method's answer."""
    key = f"{call.key}/{name}"
    if key in call.google.resources:
        raise _exists(call, key)
    _check_parent(call)
    if call.service.startswith("compute."):
        resource = linked(call, resource)
    fill(call, resource, schema or call.schema, key)
    call.google.resources[key] = resource
    assert call.method.response
    if call.method.response.ref == "Operation":
        return operations.begin(call, key)
    return resource


def patch(call: Call) -> Json:
    """Change the given fields of a resource, or those that ``updateMask`` names."""
    return change(call, _masked(call))


def replace(call: Call) -> Json:
    """Change a resource into the given one; fields that Google fills in stay."""
    return change(call, call.body)


def change(call: Call, fields: Json) -> Json:
    """Set fields of the request's resource, and return the method's answer."""
    resource = call.resource()
    ready(call)
    if call.service.startswith("compute."):
        fields = linked(call, fields)
    for name in ("fingerprint", "labelFingerprint", "etag"):
        if name in fields and name in resource:
            if fields[name] != resource[name]:
                message = f"Supplied {name} does not match current {name}."
                raise GoogleError(412, "conditionNotMet", message)
            fields = {**fields, name: call.google.etag()}
    for name, value in fields.items():
        old = resource.get(name)
        both = isinstance(old, dict) and isinstance(value, dict) and call.verb == "patch"
        resource[name] = {**old, **value} if both and old else value
    assert call.method.response
    if call.method.response.ref == "Operation":
        return operations.begin(call)
    return resource


def delete(call: Call) -> Json | None:
    """Delete a resource that no other one uses."""
    call.resource()
    ready(call)
    if user := next(_users(call), None):
        kind = call.path.split("/")[-2].removesuffix("s")
        message = f"The {kind} resource '{call.path}' is already being used by '{user}'"
        raise GoogleError(400, "resourceInUseByAnotherResource", message)
    if call.method.response and call.method.response.ref == "Operation":
        return operations.begin(call, effect=lambda: call.google.remove(call.key))
    call.google.remove(call.key)
    return {} if call.method.response else None


def ready(call: Call, key: str = "") -> None:
    """Refuse the request while an operation on a resource goes on."""
    key = key or call.key
    if call.google.busy(key):
        raise not_ready(key.partition("/")[2])


def linked(call: Call, value: Any) -> Any:
    """Return a value with the full links of Compute Engine's resources, which must exist."""
    if isinstance(value, dict):
        return {name: linked(call, member) for name, member in value.items()}
    if isinstance(value, list):
        return [linked(call, member) for member in value]
    match = _LINK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    path = call.own(f"projects/{match[1] or call.google.project}/{match[2]}")
    key = f"{call.service}/{path}"
    if match[3] not in _GOOGLES:
        call.resource(key)
        ready(call, key)
    return operations.COMPUTE + path


def fill(call: Call, resource: Json, schema: str, key: str) -> None:
    """Add the fields that Google fills in, as far as the resource's schema has them."""
    google, fields = call.google, call.api.schemas[schema].properties
    path, now = key.partition("/")[2], google.stamp()
    parts = path.split("/")
    computed: Json = {
        "creationTimestamp": now,
        "createTime": now,
        "updateTime": now,
        "timeCreated": now,
        "updated": now,
        "etag": google.etag(),
        "fingerprint": google.etag(),
        "labelFingerprint": google.etag(),
        **data("defaults").get(schema, {}),
    }
    if call.service.startswith("compute."):
        computed |= {"id": str(google.number()), "selfLink": operations.COMPUTE + path}
        if parts[2] in ("zones", "regions"):
            computed[parts[2].removesuffix("s")] = operations.COMPUTE + "/".join(parts[:4])
    elif "{+" in call.method.path:
        computed["name"] = path
    if "kind" in fields and fields["kind"].default:
        computed["kind"] = fields["kind"].default
    for name, value in computed.items():
        if name in fields and value is not None:
            resource.setdefault(name, value)


def _new_name(call: Call) -> str:
    given = next((v for n, v in call.query.items() if n.endswith("Id") and n != "requestId"), "")
    return given or str(call.body.get("name") or call.google.number())


def _exists(call: Call, key: str) -> Exception:
    path = key.partition("/")[2]
    if call.service.startswith("compute."):
        return already_exists(path)
    return GoogleError(409, "conflict", f"Resource '{path}' already exists.")


def _check_parent(call: Call) -> None:
    parent = call.path.rpartition("/")[0]
    if not re.fullmatch(r"|projects(/[^/]+(/global|/(zones|regions|locations)/[^/]+)?)?", parent):
        kept = call.google.resources
        if f"{call.service}/{parent}" not in kept and not parent.startswith(
            ("services/", "billingAccounts/")
        ):
            raise call.missing(f"{call.service}/{parent}")


def _masked(call: Call) -> Json:
    if "updateMask" not in call.method.parameters:
        return call.body
    mask = call.query.get("updateMask", "")
    names = {name.partition(".")[0] for name in mask.split(",")}
    if not mask:
        return call.body
    return {name: value for name, value in call.body.items() if name in names}


def _users(call: Call) -> Iterator[str]:
    """Yield the resources of Compute Engine that have a link to the request's resource."""
    if not call.service.startswith("compute."):
        return
    link = operations.COMPUTE + call.path
    for key, resource in call.google.resources.items():
        path = key.partition("/")[2]
        kind = path.split("/")[-2]
        if not key.startswith(call.service) or path == call.path or kind not in _USERS:
            continue
        if link in _texts({name: v for name, v in resource.items() if name != "selfLink"}):
            yield path


#: Kinds of resources that hold on to those to which they have a link.
_USERS: Final = ("subnetworks", "routers", "firewalls", "instances", "addresses")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
    elif isinstance(value, str):
        yield value
