"""A stand-in of Google Cloud's REST APIs, driven by Google's own discovery documents.

    with google_cloud() as google:
        requests.get(f"{google.endpoint}/compute.googleapis.com/compute/v1/projects/…")

Each request and each answer is held to the documents. A wrong request is refused as Google would; a
wrong answer, or a method that the stand-in does not know, fails the test when the block ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from include.stack.compute.discovery import api
from include.stack.compute.errors import ApiError
from tests.support.cloud.googleapis import (
    accounts,
    disks,
    instances,
    operations,
    places,
    policies,
    projects,
    resources,
    secrets,
    storage,
)
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError, permission_denied, service_disabled
from tests.support.cloud.googleapis.permissions import needed
from tests.support.cloud.googleapis.state import (
    BILLING_ACCOUNT,
    NUMBER,
    PROJECT,
    GoogleState,
)
from tests.support.cloud.http import Answer, Request, serving

#: The APIs' documents by host; a host may have several versions.
DOCUMENTS: Final = {
    "billingbudgets.googleapis.com": ("billingbudgets.v1",),
    "cloudbilling.googleapis.com": ("cloudbilling.v1",),
    "cloudresourcemanager.googleapis.com": ("cloudresourcemanager.v3", "cloudresourcemanager.v1"),
    "compute.googleapis.com": ("compute.v1",),
    "iam.googleapis.com": ("iam.v1",),
    "iap.googleapis.com": ("iap.v1",),
    "logging.googleapis.com": ("logging.v2",),
    "monitoring.googleapis.com": ("monitoring.v3",),
    "secretmanager.googleapis.com": ("secretmanager.v1",),
    "servicenetworking.googleapis.com": ("servicenetworking.v1",),
    "serviceusage.googleapis.com": ("serviceusage.v1",),
    "sqladmin.googleapis.com": ("sqladmin.v1",),
    "storage.googleapis.com": ("storage.v1",),
}

#: Methods that every kind of resource has, by the last part of their names.
_COMMON: Final[dict[str, Callable[[Call], Any]]] = {
    "get": resources.get,
    "list": resources.listed,
    "insert": resources.create,
    "create": resources.create,
    "patch": resources.patch,
    "update": resources.replace,
    "setLabels": resources.replace,
    "delete": resources.delete,
    "getIamPolicy": policies.get,
    "setIamPolicy": policies.replace,
    "testIamPermissions": policies.granted,
}

#: Methods with behaviour of their own.
HANDLERS: Final[dict[str, Callable[[Call], Any]]] = {
    **operations.READERS,
    **accounts.HANDLERS,
    **disks.HANDLERS,
    **instances.HANDLERS,
    **places.HANDLERS,
    **projects.HANDLERS,
    **secrets.HANDLERS,
    **storage.HANDLERS,
}

#: Projects of which everybody may read images.
_PUBLIC: Final = ("debian-cloud", "-")


class Google(GoogleState):
    """The stand-in: its state, and the way from a request to an answer."""

    def answer(self, request: Request) -> Answer:
        """Answer a request, with Google's JSON for an error."""
        try:
            return self._answer(request)
        except ApiError as error:
            refusal = GoogleError.of(error)
            return Answer(refusal.code, refusal.body())

    def _answer(self, request: Request) -> Answer:
        if not self.login:
            message = "Request had invalid authentication credentials."
            raise GoogleError(401, "authError", message)
        call = self._call(request)
        if call.service not in self.services or not self.knows(call.service):
            raise service_disabled(call.service, self.project, NUMBER)
        names = re.findall(r"(?:^|/)projects/([^/:]+)", call.path)
        if set(names) - {self.project, NUMBER, *_PUBLIC}:
            raise permission_denied(call.service, "resourcemanager.projects.get", call.path)
        if call.request.path.split("/")[2] == "upload":
            self._check_permission(call)
            return storage.go_on(call) if "upload_id" in call.query else storage.upload(call)
        call.api.check_parameters(call.method.id, call.params, request.query)
        try:
            call.api.check_request(call.method.id, request.body)
        except ValueError as error:
            raise GoogleError(400, "parseError", f"Parse Error: {error}") from error
        self._check_permission(call)
        handler = HANDLERS.get(call.method.id) or _COMMON.get(call.verb)
        if handler is None:
            raise NotImplementedError(f"{call.method.id} has no stand-in")
        body = handler(call)
        if isinstance(body, Answer):
            return body
        call.api.check_answer(call.method.id, body)
        return Answer(204 if body is None else 200, body)

    def _call(self, request: Request) -> Call:
        _, service, path = request.path.split("/", 2)
        # The parts of a resumable upload come with PUT, to the address of its POST.
        upload = "upload_id" in dict(request.query)
        for document in DOCUMENTS.get(service, ()):
            described = api(document)
            if found := described.route("POST" if upload else request.method, path):
                return Call(self, described, service, *found, request)
        raise GoogleError(404, "notFound", f"No API has {request.method} {request.path}.")

    def _check_permission(self, call: Call) -> None:
        for name in needed(call):
            if not self.may(name):
                raise permission_denied(call.service, name, call.path)


@contextmanager
def google_cloud(project: str = PROJECT) -> Iterator[Google]:
    """Serve a new project, which has a billing account and only a new project's services."""
    google = Google(project)
    google.policies[f"cloudresourcemanager.googleapis.com/projects/{project}"] = {
        "etag": google.etag(),
        "bindings": [{"role": "roles/owner", "members": ["user:you@example.com"]}],
    }
    google.resources[f"cloudbilling.googleapis.com/{BILLING_ACCOUNT}"] = {
        "name": BILLING_ACCOUNT,
        "displayName": "My account",
        "open": True,
    }
    with serving(google):
        yield google
