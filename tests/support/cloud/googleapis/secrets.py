"""Secret Manager: the versions of secrets."""

from __future__ import annotations

import base64
from typing import Final

import google_crc32c

from tests.support.cloud.googleapis import resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.googleapis.state import NUMBER
from tests.support.cloud.http import Json


def _create(call: Call) -> Json:
    name = call.query["secretId"]
    shown = {**call.body, "name": f"projects/{NUMBER}/secrets/{name}"}
    return resources.store(call, shown, name)


def _add(call: Call) -> Json:
    call.resource()
    data = base64.b64decode(call.body["payload"]["data"])
    if not data:
        raise GoogleError(400, "badRequest", "Secret Payload cannot be empty.")
    checksum = call.body["payload"].get("dataCrc32c")
    if checksum and int(checksum) != google_crc32c.value(data):
        raise GoogleError(400, "badRequest", "The checksum of the payload does not match it.")
    return call.google.add_version(call.key, data)


def _version(call: Call) -> str:
    """Return the key of the request's version, which may be ``latest``."""
    secret, _, number = call.key.rpartition("/versions/")
    call.resource(secret)
    versions = [k for k in call.google.resources if k.startswith(f"{secret}/versions/")]
    key = f"{secret}/versions/{number}"
    if number == "latest" and versions:
        key = max(versions, key=lambda k: int(k.rpartition("/")[2]))
    if key not in versions:
        shown = f"projects/{NUMBER}/secrets/{secret.rpartition('/')[2]}"
        message = f"Secret [{shown}] not found or has no versions."
        if number != "latest":
            message = f"Secret Version [{shown}/versions/{number}] not found."
        raise GoogleError(404, "notFound", message)
    return key


def _get(call: Call) -> Json:
    return call.resource(_version(call))


def _access(call: Call) -> Json:
    key = _version(call)
    version = call.resource(key)
    if version["state"] != "ENABLED":
        message = f"Secret Version [{version['name']}] is in {version['state']} state."
        raise GoogleError(400, "failedPrecondition", message, status="FAILED_PRECONDITION")
    data = call.google.payloads[key]
    return {
        "name": version["name"],
        "payload": {
            "data": base64.b64encode(data).decode(),
            "dataCrc32c": str(google_crc32c.value(data)),
        },
    }


def _state(call: Call) -> Json:
    """Disable, enable or destroy a version."""
    version = call.resource(_version(call))
    if version["state"] == "DESTROYED":
        message = f"Secret Version [{version['name']}] is in DESTROYED state."
        raise GoogleError(400, "failedPrecondition", message, status="FAILED_PRECONDITION")
    version["state"] = {"destroy": "DESTROYED"}.get(call.verb, f"{call.verb.upper()}D")
    return version


def _listed(call: Call) -> Json:
    call.resource(call.key.rpartition("/")[0])
    answer = resources.listed(call)
    # The newest is the first.
    if "versions" in answer:
        answer["versions"].reverse()
    return answer


_VERSIONS: Final = "secretmanager.projects.secrets.versions"

HANDLERS: Final = {
    "secretmanager.projects.secrets.create": _create,
    "secretmanager.projects.secrets.addVersion": _add,
    f"{_VERSIONS}.get": _get,
    f"{_VERSIONS}.list": _listed,
    f"{_VERSIONS}.access": _access,
    f"{_VERSIONS}.disable": _state,
    f"{_VERSIONS}.enable": _state,
    f"{_VERSIONS}.destroy": _state,
}
