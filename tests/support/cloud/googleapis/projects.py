"""The project: its services, its billing account, and itself."""

from __future__ import annotations

from typing import Final

from tests.support.cloud.googleapis import operations, resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.googleapis.state import NUMBER
from tests.support.cloud.http import Json

#: Services that cost, and are turned on only in a project with a billing account.
_BILLED: Final = (
    "compute.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
)

#: Most services in one request, as in the description of `batchEnable` and `batchGet`.
_MOST_ENABLED: Final = 20
_MOST_READ: Final = 30


def _service(call: Call, name: str) -> Json:
    return {
        "name": f"projects/{NUMBER}/services/{name}",
        "parent": f"projects/{NUMBER}",
        "config": {"name": name},
        "state": "ENABLED" if name in call.google.services else "DISABLED",
    }


def _get_service(call: Call) -> Json:
    return _service(call, call.path.rpartition("/")[2])


def _list_services(call: Call) -> Json:
    condition = call.query.pop("filter", "")
    if condition != "state:ENABLED":
        raise GoogleError(400, "badRequest", "The stand-in lists services with state:ENABLED only.")
    return resources.page(call, [_service(call, name) for name in sorted(call.google.services)])


def _get_services(call: Call) -> Json:
    names = [value for name, value in call.request.query if name == "names"]
    _limit(names, _MOST_READ)
    return {"services": [_service(call, name.rpartition("/")[2]) for name in names]}


def _enable(call: Call) -> Json:
    return _enabled(call, [call.path.rpartition("/")[2]])


def _enable_several(call: Call) -> Json:
    names = call.body.get("serviceIds", [])
    _limit(names, _MOST_ENABLED)
    return _enabled(call, names)


def _enabled(call: Call, names: list[str]) -> Json:
    billed = [name for name in names if name in _BILLED]
    if billed and not call.google.billing_account:
        message = (
            f"Billing account for project '{NUMBER}' is not found. Billing must be enabled for "
            f"activation of service(s) '{','.join(billed)}' to proceed."
        )
        raise GoogleError(400, "failedPrecondition", message, status="FAILED_PRECONDITION")
    if set(names) <= call.google.services:
        shown = [_service(call, name) for name in names]
        kind = "type.googleapis.com/google.api.serviceusage.v1.BatchEnableServicesResponse"
        return {
            "name": "operations/noop.DONE_OPERATION",
            "done": True,
            "response": {"@type": kind, "services": shown},
        }
    return operations.begin(call, effect=lambda: call.google.enable_api(*names))


def _disable(call: Call) -> Json:
    name = call.path.rpartition("/")[2]
    return operations.begin(call, effect=lambda: call.google.disable_api(name))


def _limit(names: list[str], most: int) -> None:
    if not 1 <= len(names) <= most:
        raise GoogleError(400, "badRequest", f"A request must name from 1 to {most} services.")


def _project(call: Call) -> Json:
    google = call.google
    return {
        "name": f"projects/{NUMBER}",
        "projectId": google.project,
        "state": "ACTIVE",
        "displayName": "My project",
        "createTime": google.stamp(),
        "updateTime": google.stamp(),
        "etag": google.etag(),
    }


def _project_v1(call: Call) -> Json:
    return {
        "projectNumber": NUMBER,
        "projectId": call.google.project,
        "lifecycleState": "ACTIVE",
        "name": "My project",
        "createTime": call.google.stamp(),
    }


def _get_project(call: Call) -> Json:
    return _project_v1(call) if call.method.path.startswith("v1/") else _project(call)


def _billing(call: Call) -> Json:
    account = call.google.billing_account
    return {
        "name": f"projects/{call.google.project}/billingInfo",
        "projectId": call.google.project,
        "billingAccountName": account,
        "billingEnabled": bool(account),
    }


def _set_billing(call: Call) -> Json:
    call.google.billing_account = call.body.get("billingAccountName", "")
    return _billing(call)


HANDLERS: Final = {
    "serviceusage.services.get": _get_service,
    "serviceusage.services.list": _list_services,
    "serviceusage.services.batchGet": _get_services,
    "serviceusage.services.enable": _enable,
    "serviceusage.services.batchEnable": _enable_several,
    "serviceusage.services.disable": _disable,
    "cloudresourcemanager.projects.get": _get_project,
    "cloudbilling.projects.getBillingInfo": _billing,
    "cloudbilling.projects.updateBillingInfo": _set_billing,
}
