"""Google's errors, as JSON: with the older APIs' ``errors`` and the newer ones' ``details``."""

from __future__ import annotations

from typing import Any, Final

from include.stack.compute.errors import ApiError
from tests.support.cloud.http import Json

#: gRPC's word for an HTTP status, https://cloud.google.com/apis/design/errors
_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
}


class GoogleError(ApiError):
    """An error with its gRPC status and `google.rpc.ErrorInfo`."""

    def __init__(
        self, code: int, reason: str, message: str, *, status: str = "", info: Json | None = None
    ) -> None:
        super().__init__(code, reason, message)
        self.status = status
        self.info = info

    @classmethod
    def of(cls, error: ApiError) -> GoogleError:
        """Return the error itself, or as a GoogleError."""
        return error if isinstance(error, cls) else cls(error.code, error.reason, error.message)

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the HTTP response."""
        error = super().body()["error"]
        error["status"] = self.status or _STATUSES[self.code]
        if self.info:
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **self.info}]
        return {"error": error}


def service_disabled(service: str, project: str, number: str) -> GoogleError:
    """Return the 403 of an API that is not enabled in the project."""
    title = service.removesuffix(".googleapis.com").capitalize()
    message = (
        f"{title} API has not been used in project {number} before or it is disabled. Enable it by "
        f"visiting https://console.developers.google.com/apis/api/{service}/overview?"
        f"project={number} then retry. If you enabled this API recently, wait a few minutes for "
        "the action to propagate to our systems and retry."
    )
    consumer = {"service": service, "consumer": f"projects/{number}", "containerInfo": project}
    info = {"reason": "SERVICE_DISABLED", "domain": "googleapis.com", "metadata": consumer}
    return GoogleError(403, "accessNotConfigured", message, info=info)


def permission_denied(service: str, permission: str, resource: str) -> GoogleError:
    """Return the 403 of a caller that lacks a permission on a resource."""
    if service.startswith("compute."):
        message = f"Required '{permission}' permission for '{resource}'"
        return GoogleError(403, "forbidden", message)
    message = f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
    metadata = {"permission": permission, "resource": resource}
    info = {"reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com", "metadata": metadata}
    return GoogleError(403, "forbidden", message, info=info)


def stale_policy(service: str) -> GoogleError:
    """Return the error of a policy that has changed since it was read."""
    if service.startswith("storage."):
        message = "At least one of the pre-conditions you specified did not hold."
        return GoogleError(412, "conditionNotMet", message)
    message = (
        "There were concurrent policy changes. Please retry the whole read-modify-write with "
        "exponential backoff."
    )
    return GoogleError(409, "aborted", message, status="ABORTED")
