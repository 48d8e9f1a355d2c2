"""Compute Engine for the Druid VM: the provider's hook with another endpoint and time-outs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any, NamedTuple
from uuid import uuid4

from airflow.providers.google.cloud.hooks.compute import ComputeEngineHook
from airflow.sdk.exceptions import AirflowException
from google.api_core.client_options import ClientOptions
from google.auth.exceptions import TransportError
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from httplib2 import Http, HttpLib2Error  # type: ignore[import-untyped]

from ventas_airflow.hooks.compute_errors import (
    ComputeEngineUnavailable,
    SentRequest,
    of_operation,
    of_response,
)
from ventas_airflow.vm import zones_of

# Seconds for one HTTP answer of Compute Engine.
HTTP_TIMEOUT = 20.0

# Bytes of the serial console that are read.
CONSOLE_BYTES = 20_000

_UNREACHABLE = (OSError, HttpLib2Error, TransportError)


class VmState(NamedTuple):
    """A VM at one moment.

    ``status`` is Compute Engine's, or None if the VM does not exist. ``settled`` is false while
    the watched operation goes on. ``trouble`` says why the state is not known, or is ''.
    """

    status: str | None = None
    settled: bool = False
    trouble: str = ""


class VentasComputeEngineHook(ComputeEngineHook):
    """The provider's hook, whose connection may name another endpoint in ``api_endpoint``.

    The ``begin_…`` methods return the operation's name without waiting for its end, so that a
    trigger can wait; the inherited methods wait in a loop without a deadline. A request that is
    sent again because its answer was lost takes effect only once. All methods raise
    AirflowException with Compute Engine's own message: ComputeEngineUnavailable if Compute Engine
    did not answer, ComputeEngineRefused if a person has to grant or change something first.
    """

    def get_client_options(self, api_endpoint_override: str | None = None) -> ClientOptions:
        """Return the clients' options, with the connection's endpoint if it has one."""
        return super().get_client_options(api_endpoint_override or self._get_field("api_endpoint"))

    def get_conn(self) -> Any:
        """Return the discovery client that the inherited methods send their requests with."""
        if not self._conn:
            self._conn = _client(*self._place, self._authorize())
        return self._conn

    def vm_status(self, *, project_id: str, zone: str, resource_id: str) -> str | None:
        """Return the VM's status, or None if it does not exist."""
        return self._vm_status(project_id, zone, resource_id, self.num_retries)

    def find(
        self,
        *,
        project_id: str,
        zones: str | Sequence[Any],
        resource_id: str,
        retries: int | None = None,
    ) -> dict[str, Any] | None:
        """Return the VM as the REST API's instance resource, from the zone that has it, or None.

        If several zones have a VM of that name, a VM that is on goes before one that is off, and
        an earlier zone before a later one. ``zones`` as in `zones_of`; ``retries``: retries of each
        request, None for the number that the connection gives.
        """
        tries = self.num_retries if retries is None else retries
        found = [self._vm(project_id, zone, resource_id, tries) for zone in zones_of(zones)]
        vms = [vm for vm in found if vm is not None]
        return min(vms, key=lambda vm: vm["status"] == "TERMINATED", default=None)

    def existing_disks(self, *, project_id: str, zone: str, names: Sequence[str]) -> list[str]:
        """Return those of the named disks that the zone has."""
        disks = self._methods("disks")
        return [
            name
            for name in names
            if self._ask(
                disks.get(project=project_id, zone=zone, disk=name),
                self.num_retries,
                missing_is_none=True,
            )
        ]

    def ended_by(self, vm: dict[str, Any]) -> str:
        """Return the last operation on a VM, in words, or '' if it is not known."""
        request = self._methods("zoneOperations").list(
            project=vm["selfLink"].split("/projects/")[1].split("/")[0],
            zone=zone_of(vm),
            filter=f'targetLink = "{vm["selfLink"]}"',
            orderBy="creationTimestamp desc",
        )
        try:
            operations = self._ask(request, 0).get("items", [])
        except AirflowException as error:
            self.log.info("The VM's last operation is not known: %s", error)
            return ""
        last: dict[str, Any] = max(
            operations, key=lambda operation: str(operation["insertTime"]), default={}
        )
        known = (last.get(field) for field in ("operationType", "statusMessage", "user"))
        return ", ".join(str(fact) for fact in known if fact)

    def console(self, *, project_id: str, zone: str, resource_id: str) -> str:
        """Return the end of the VM's serial console, at most `CONSOLE_BYTES`."""
        request = self._methods("instances").getSerialPortOutput(
            project=project_id, zone=zone, instance=resource_id, start=str(-CONSOLE_BYTES)
        )
        return str(self._ask(request, self.num_retries).get("contents", ""))

    def look(
        self, *, project_id: str, zone: str, resource_id: str, operation: str | None
    ) -> VmState:
        """Return the VM's state, for a caller that polls; `operation` is the watched operation.

        Raises AirflowException if the operation failed, or if Compute Engine refuses the request.
        """
        try:
            if operation and not self._done(project_id, zone, operation):
                return VmState(self._vm_status(project_id, zone, resource_id, 0))
            return VmState(self._vm_status(project_id, zone, resource_id, 0), settled=True)
        except ComputeEngineUnavailable as error:
            return VmState(trouble=str(error))

    def begin_insert(
        self, *, project_id: str, zone: str, resource_id: str, body: dict[str, Any]
    ) -> str:
        """Create and start the VM; ``body`` is its instance resource, without the name."""
        request = self._methods("instances").insert(
            project=project_id,
            zone=zone,
            body={**body, "name": resource_id},
            requestId=str(uuid4()),
        )
        return str(self._ask(request, self.num_retries)["name"])

    def begin_start(self, *, project_id: str, zone: str, resource_id: str) -> str:
        """Start the VM."""
        request = self._methods("instances").start(
            project=project_id, zone=zone, instance=resource_id, requestId=str(uuid4())
        )
        return str(self._ask(request, self.num_retries)["name"])

    def begin_stop(self, *, project_id: str, zone: str, resource_id: str) -> str:
        """Stop the VM."""
        request = self._methods("instances").stop(
            project=project_id, zone=zone, instance=resource_id, requestId=str(uuid4())
        )
        return str(self._ask(request, self.num_retries)["name"])

    def _methods(self, resource: str) -> Any:
        """Return the object that builds the requests of a resource, such as ``instances``."""
        return _methods(*self._place, resource)

    @cached_property
    def _place(self) -> tuple[str, str | None, str | None]:
        """Version, endpoint and universe of the API; None stands for Google's own."""
        options = self.get_client_options()
        return self.api_version, options.api_endpoint, options.universe_domain

    @cached_property
    def _http(self) -> Any:
        """The HTTP connection of `_ask`; only one thread at a time may use it."""
        return self._authorize()

    def _authorize(self) -> Any:
        authorized = super()._authorize()
        authorized.http.timeout = HTTP_TIMEOUT
        return authorized

    def _vm_status(self, project_id: str, zone: str, resource_id: str, retries: int) -> str | None:
        vm = self._vm(project_id, zone, resource_id, retries)
        return str(vm["status"]) if vm else None

    def _vm(
        self, project_id: str, zone: str, resource_id: str, retries: int
    ) -> dict[str, Any] | None:
        request = self._methods("instances").get(
            project=project_id, zone=zone, instance=resource_id
        )
        vm: dict[str, Any] | None = self._ask(request, retries, missing_is_none=True)
        return vm

    def _done(self, project_id: str, zone: str, name: str) -> bool:
        request = self._methods("zoneOperations").get(project=project_id, zone=zone, operation=name)
        # Compute Engine forgets operations long after they are done.
        operation = self._ask(request, 0, missing_is_none=True) or {"status": "DONE"}
        if errors := operation.get("error", {}).get("errors"):
            vm = operation["targetLink"].rsplit("/", 1)[-1]
            raise of_operation(
                self._sent(f"{operation['operationType']} {vm} in {zone}", project_id), errors
            )
        return bool(operation["status"] == "DONE")

    def _ask(self, request: Any, retries: int, *, missing_is_none: bool = False) -> Any:
        try:
            return request.execute(http=self._http, num_retries=retries)
        except HttpError as error:
            if missing_is_none and error.status_code == 404:
                return None
            project = request.uri.split("/projects/")[1].split("/")[0]
            sent = self._sent(request.methodId, project)
            raise of_response(sent, error.status_code, _json_of(error)) from error
        except _UNREACHABLE as error:
            host = request.uri.split("/compute/")[0]
            raise ComputeEngineUnavailable(
                f"Compute Engine does not answer at {host} ({error}): check that it runs, and "
                f"api_endpoint in the extra of connection '{self.gcp_conn_id}'"
            ) from error

    def _sent(self, what: str, project: str) -> SentRequest:
        account = str(getattr(self.get_credentials(), "service_account_email", ""))
        # The credentials of a VM may only say "default".
        return SentRequest(what, project, account if "@" in account else "", self.gcp_conn_id)


def _client(version: str, endpoint: str | None, universe: str | None, http: Any) -> Any:
    """Return the discovery client; unlike compute_v1, it needs the endpoint with its path."""
    url = endpoint and f"{endpoint.rstrip('/')}/compute/v1/"
    options = ClientOptions(api_endpoint=url, universe_domain=universe)
    return build_from_document(_document(version), http=http, client_options=options)


@cache
def _document(version: str) -> Any:
    """Return Google's description of the API; cached, since it is megabytes of JSON."""
    return json.loads(get_static_doc("compute", version))  # type: ignore[no-untyped-call]


@cache
def _methods(version: str, endpoint: str | None, universe: str | None, resource: str) -> Any:
    """Return a resource's methods; cached for all hooks of the process, since it takes 50 ms.

    They only build requests. Each hook sends its requests with its own HTTP connection:
    https://googleapis.github.io/google-api-python-client/docs/thread_safety.html
    """
    return getattr(_client(version, endpoint, universe, Http()), resource)()


def zone_of(vm: dict[str, Any]) -> str:
    """Return the zone's name of a VM, given as the REST API's instance resource."""
    return str(vm["zone"]).rpartition("/")[-1]


def _json_of(error: HttpError) -> dict[str, Any]:
    try:
        body = json.loads(error.content)
    except ValueError:
        return {"error": {"message": error.reason}}
    return body if isinstance(body, dict) else {}
