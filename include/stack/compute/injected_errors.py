"""Faults of a cloud, injected on request, for tests of programs that use Compute Engine.

There are no faults unless the emulator runs with ``--faults`` and a test requests them. The answers
have the shapes of Google's:
https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-resource-availability,
https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-api-errors and the schemas
`ErrorInfo` and `QuotaExceededInfo` of the discovery document.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

from include.stack.compute.errors import ApiError
from include.stack.compute.state import Failure, Trouble, Zone

Code = Literal[
    # The API refuses the request.
    "forbidden",
    "quotaExceeded",
    "rateLimitExceeded",
    "RESOURCE_EXHAUSTED",
    "backendError",
    # The API accepts the request, and its operation fails.
    "QUOTA_EXCEEDED",
    "SERVICE_ACCOUNT_ACCESS_DENIED",
    "ZONE_RESOURCE_POOL_EXHAUSTED",
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
    # The API accepts the request, and its operation does not end until the faults are removed.
    "endless",
]

_HELP: Final = {
    "help": {
        "links": [
            {
                "description": "Troubleshooting documentation",
                "url": "https://cloud.google.com/compute/docs/resource-error",
            }
        ]
    }
}


class Fault(BaseModel):
    """A fault to inject.

    Attributes:
        code: the error, in the API's words, or ``endless``.
        methods: the API's names of the methods that it affects, such as ``instances.start``.
        zones: zones that it affects; empty for all.
        times: number of requests that it affects; None for all until it is removed.
    """

    model_config = ConfigDict(extra="forbid")

    code: Code
    methods: list[str] = ["instances.insert", "instances.start"]
    zones: list[str] = []
    times: PositiveInt | None = None


class Faults:
    """The requested faults, oldest first."""

    def __init__(self) -> None:
        self._requested: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Inject a fault from now on."""
        with self._lock:
            self._requested.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._requested.clear()

    def due(self, method: str, zone: Zone, name: str) -> Trouble | None:
        """Return the trouble of the operation that a request begins; raise ApiError for a refusal.

        The first matching fault applies; None without one.
        """
        with self._lock:
            fault = next((f for f in self._requested if _meets(f, method, zone)), None)
            if fault is None:
                return None
            if fault.times:
                fault.times -= 1
                if not fault.times:
                    self._requested.remove(fault)
        if fault.code == "endless":
            return "endless"
        if refusal := _refusal(fault.code, method, zone, name):
            raise refusal
        return failure(fault.code, zone)


def _meets(fault: Fault, method: str, zone: Zone) -> bool:
    return method in fault.methods and (not fault.zones or zone.name in fault.zones)


def _refusal(code: Code, method: str, zone: Zone, name: str) -> ApiError | None:
    limit = (
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
        f"'compute.googleapis.com' for consumer 'projects/{zone.project}'."
    )
    if code == "forbidden":
        permission = f"compute.{method.replace('insert', 'create')}"
        resource = f"{zone.path}/instances/{name}".rstrip("/")
        return ApiError(403, code, f"Required '{permission}' permission for '{resource}'")
    if code == "quotaExceeded":
        return ApiError(403, code, quota_exceeded("N2_CPUS", 2.0, zone).message)
    if code == "rateLimitExceeded":
        return ApiError(403, code, limit)
    if code == "RESOURCE_EXHAUSTED":
        return ApiError(429, "rateLimitExceeded", limit)
    if code == "backendError":
        return ApiError(503, code, "Backend Error")
    return None


def failure(code: Code, zone: Zone) -> Failure:
    """Return the failure of an operation in a zone."""
    if code == "QUOTA_EXCEEDED":
        return quota_exceeded("N2_CPUS", 2.0, zone)
    if code == "SERVICE_ACCOUNT_ACCESS_DENIED":
        account = f"druid@{zone.project}.iam.gserviceaccount.com"
        message = (
            f"The user does not have access to service account '{account}'.  User: "
            f"'airflow@{zone.project}.iam.gserviceaccount.com'.  Ask a project owner to grant "
            "you the iam.serviceAccountUser role on the service account"
        )
        return Failure(code, message, 403, "FORBIDDEN")
    end = (
        " '(resource type:compute)'."
        if code.endswith("_WITH_DETAILS")
        else " Try a different zone, or try again later."
    )
    message = (
        f"The zone '{zone.path}' does not have enough resources available to fulfill the "
        f"request. {end}"
    )
    facts = {"vmType": "n2-standard-4", "zone": zone.name, "zonesAvailable": "", "attachment": ""}
    domain = "compute.googleapis.com"
    stockout = {"reason": "resource_availability", "domain": domain, "metadatas": facts}
    return Failure(code, message, 503, "SERVICE UNAVAILABLE", [_HELP, {"errorInfo": stockout}])


def quota_exceeded(metric: str, limit: float, zone: Zone) -> Failure:
    """Return the failure of an operation that a quota of the zone's region does not allow."""
    region = zone.name.rpartition("-")[0]
    info: dict[str, Any] = {
        "metricName": f"compute.googleapis.com/{metric.lower()}",
        "limitName": f"{metric.replace('_', '-')}-per-project-region",
        "dimensions": {"region": region},
        "limit": limit,
    }
    message = f"Quota '{metric}' exceeded.  Limit: {limit} in region {region}."
    return Failure("QUOTA_EXCEEDED", message, 403, "FORBIDDEN", [{"quotaInfo": info}])
