"""The errors of the Compute Engine API, in the shape that its clients parse.

Shape: ``{"error": {"code", "message", "errors": [{"message", "domain", "reason"}]}}``, see
https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-api-errors
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request is refused with an HTTP status and one of Google's reasons."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the HTTP response."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.code, "message": self.message, "errors": [detail]}}


def not_found(resource: str) -> ApiError:
    """Return the 404 for a resource path such as ``projects/p/zones/z/instances/i``."""
    return ApiError(404, "notFound", f"The resource '{resource}' was not found")


def already_exists(resource: str) -> ApiError:
    """Return the 409 for the insertion of a resource whose name is taken."""
    return ApiError(409, "alreadyExists", f"The resource '{resource}' already exists")


def not_ready(resource: str) -> ApiError:
    """Return the 400 for a resource whose current status does not allow the action."""
    return ApiError(400, "resourceNotReady", f"The resource '{resource}' is not ready")


def invalid(field: str, value: object, problem: str) -> ApiError:
    """Return the 400 for a field's bad value; ``problem`` is a sentence without its full stop."""
    return ApiError(400, "invalid", f"Invalid value for field '{field}': '{value}'. {problem}.")
