"""Long-running operations: Compute Engine's, Cloud SQL's, and those of the newer APIs.

An operation is done when it is read, or once its resource has been refused as not ready: a caller
that was killed in between does not read it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from include.stack.compute.state import Failure
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.state import Pending
from tests.support.cloud.http import Json

#: Root of the links in Compute Engine's answers.
COMPUTE: Final = "https://www.googleapis.com/compute/v1/"


def begin(
    call: Call,
    target: str = "",
    effect: Callable[[], None] = lambda: None,
    failure: Failure | None = None,
) -> Json:
    """Begin an operation on a resource, by default the request's, and return its answer."""
    google, target = call.google, target or call.key
    if call.service.startswith("compute."):
        scope = call.path.split("/")
        place = "/".join(scope[:3] if scope[2] == "global" else scope[:4])
        name = f"operation-{google.number():013}"
        operation = _compute(call, f"{place}/operations/{name}", target)
        done: Json = {"status": "DONE", "progress": 100, "endTime": google.stamp()}
        if failure:
            error: Json = {"code": failure.code, "message": failure.message}
            if failure.details:
                error["errorDetails"] = failure.details
            done["error"] = {"errors": [error]}
            done["httpErrorStatusCode"] = failure.http_status
            done["httpErrorMessage"] = failure.http_message
        key = f"{call.service}/{place}/operations/{name}"
    elif call.service.startswith("sqladmin."):
        name = f"{google.number():08}-0000-4000-8000-000000000000"
        operation = {
            "kind": "sql#operation",
            "name": name,
            "status": "PENDING",
            "operationType": "DELETE" if call.verb == "delete" else "CREATE",
            "targetProject": google.project,
            "targetId": target.split("/")[4],
            "insertTime": google.stamp(),
        }
        done = {"status": "DONE", "endTime": google.stamp()}
        key = f"{call.service}/projects/{google.project}/operations/{name}"
    else:
        name = f"operations/op.{google.number()}"
        operation = {"name": name, "done": False}
        done = {"done": True, "response": {"@type": "type.googleapis.com/google.protobuf.Empty"}}
        key = f"{call.service}/{name}"

    def finish() -> None:
        google.resources[key] = {**operation, **done}
        if not failure:
            effect()

    google.resources[key] = operation
    google.pending[key] = Pending(finish, target)
    return operation


def read(call: Call) -> Json:
    """Return an operation, which is done now."""
    call.google.finish(call.key)
    return call.resource()


def _compute(call: Call, path: str, target: str) -> Json:
    number, stamp = str(call.google.number()), call.google.stamp()
    operation: Json = {
        "kind": "compute#operation",
        "id": number,
        "name": path.rpartition("/")[2],
        "operationType": call.verb,
        "targetLink": COMPUTE + target.partition("/")[2],
        "status": "RUNNING",
        "progress": 0,
        "insertTime": stamp,
        "startTime": stamp,
        "selfLink": COMPUTE + path,
        "user": "you@example.com",
    }
    scope = path.split("/")
    if scope[2] != "global":
        operation[scope[2].removesuffix("s")] = COMPUTE + "/".join(scope[:4])
    return operation


#: Methods that read an operation; the wait for one is over at once.
READERS: Final = {
    **{
        f"compute.{scope}Operations.{verb}": read
        for scope in ("zone", "region", "global")
        for verb in ("get", "wait")
    },
    "serviceusage.operations.get": read,
    "servicenetworking.operations.get": read,
    "cloudresourcemanager.operations.get": read,
    "sql.operations.get": read,
}
