"""The stand-in of Google is held to the discovery documents, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.stack.compute.discovery import api
from tests.support.cloud.google import DOCUMENTS, HANDLERS, Google, google_cloud
from tests.support.cloud.googleapis.permissions import permission
from tests.support.cloud.googleapis.resources import data
from tests.unit.support.cloud.asking import ACCOUNTS, ALL_APIS, COMPUTE, SECRETS, ask, message

NETWORK = "compute.googleapis.com/projects/my-project/global/networks/ventas"


def failure_of(action: Callable[[Google], None]) -> str:
    """Return the error with which a test would fail that does this."""

    def test() -> None:
        with google_cloud() as google:
            google.enable_api("compute.googleapis.com")
            action(google)

    with pytest.raises(ExceptionGroup) as failed:
        test()
    (error,) = failed.value.exceptions
    return str(error)


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", f"{COMPUTE}/global/networks", {"name": "v", "nombre": 1}, 'Unknown name "nombre"'),
        ("POST", f"{COMPUTE}/global/networks", {"name": "Ventas"}, "Must be a match of regex"),
        ("POST", f"{COMPUTE}/global/networks", {"name": "v", "mtu": "1"}, "be of type integer"),
        ("POST", f"{COMPUTE}/global/networks?zone=a", {"name": "v"}, "Field 'zone' could not be"),
        ("POST", SECRETS, {"replication": {"automatic": {}}}, "Required parameter: secretId"),
        ("POST", f"{SECRETS}?secretId=a", {"name": "a"}, "It is output only"),
        ("POST", f"{SECRETS}?secretId=a", {"ttl": "soon"}, "Must be a google-duration"),
        ("POST", ACCOUNTS, {}, "'resource.accountId': ''. It is required"),
        ("GET", f"{COMPUTE}/global/networks", {}, "takes no body"),
    ],
)
def test_request_that_the_document_refuses_is_refused(
    google: Any, method: str, path: str, body: Any, problem: str
) -> None:
    google.enable_api(*ALL_APIS)
    assert problem in message(ask(google, method, path, body, status=400))
    assert not [key for key in google.resources if "my-project" in key]


def test_url_that_no_document_has_is_not_found(google: Any) -> None:
    google.enable_api(*ALL_APIS)
    ask(google, "GET", f"{COMPUTE}/redes", status=404)
    ask(google, "PUT", f"{COMPUTE}/global/networks", {}, status=404)


@pytest.mark.parametrize(
    "change", [{"estado": "READY"}, {"mtu": "1460"}, {"creationTimestamp": None}]
)
def test_answer_that_the_document_does_not_have_fails_the_test(change: dict[str, Any]) -> None:
    def show(google: Google) -> None:
        google.resources[NETWORK] = {"name": "ventas", **change}
        ask(google, "GET", f"{COMPUTE}/global/networks/ventas", status=500)

    assert next(iter(change)) in failure_of(show)


def test_method_without_a_stand_in_fails_the_test() -> None:
    failure = failure_of(
        lambda google: ask(google, "GET", f"{COMPUTE}/aggregated/disks", status=500)
    )
    assert "compute.disks.aggregatedList has no stand-in" in failure


def test_tables_name_only_what_the_documents_have() -> None:
    described = [api(name) for names in DOCUMENTS.values() for name in names]
    methods = {method for it in described for method in it.methods}
    schemas = {schema for it in described for schema in it.schemas}
    assert not HANDLERS.keys() - methods
    permissions = data("permissions")
    assert not {*permissions["methods"], *permissions["fields"]} - methods
    assert not data("defaults").keys() - schemas


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("compute.instances.insert", "compute.instances.create"),
        ("secretmanager.projects.secrets.versions.access", "secretmanager.versions.access"),
        ("secretmanager.projects.secrets.addVersion", "secretmanager.versions.add"),
        ("cloudresourcemanager.projects.setIamPolicy", "resourcemanager.projects.setIamPolicy"),
        ("sql.instances.insert", "cloudsql.instances.create"),
    ],
)
def test_method_needs_the_permission_of_iam(method: str, name: str) -> None:
    assert permission(method) == name
