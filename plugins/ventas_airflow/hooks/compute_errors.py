"""Turns the errors of Compute Engine into exceptions that say what to do about them.

The codes and reasons are explained at
https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-api-errors and
https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-resource-availability.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from airflow.sdk.exceptions import AirflowException, AirflowFailException

_NO_CAPACITY: Final = {"ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"}
_QUOTA: Final = {"QUOTA_EXCEEDED", "quotaExceeded"}
_RATE: Final = {"rateLimitExceeded", "userRateLimitExceeded"}
_NO_ACCOUNT: Final = re.compile(r"access to service account '([^']+)'|iam\.serviceAccounts\.actAs")
_PERMISSION: Final = re.compile(r"Required '(compute\.[\w.]+)' permission")


class ComputeEngineUnavailable(AirflowException):
    """Compute Engine does not answer, or cannot do the request now; a retry may succeed."""


class ZoneExhausted(AirflowException):
    """The zone has no capacity for the VM now; another zone may have it."""


class ComputeEngineRefused(AirflowFailException):
    """A person has to grant or change something first: a retry cannot succeed."""


class SentRequest(NamedTuple):
    """A request to Compute Engine, and who sent it.

    ``what`` is the API's method, or the operation with its VM; ``account`` is the service account,
    or '' if it is not known; ``conn_id`` is the Airflow connection.
    """

    what: str
    project: str
    account: str
    conn_id: str


def of_response(request: SentRequest, status: int, body: dict[str, Any]) -> AirflowException:
    """Return the exception for an HTTP error; ``body`` is its JSON body, {} without one."""
    error = body.get("error", {})
    reason = next((str(e.get("reason", "")) for e in error.get("errors", [])), "")
    message = str(error.get("message", ""))
    answer = f"{request.what}: {status} {message}"
    if status >= 500 or status == 429 or reason in _RATE:
        return ComputeEngineUnavailable(f"Compute Engine cannot do this now: {answer}")
    if reason == "accessNotConfigured":
        # Compute Engine's message says where to enable the API.
        return ComputeEngineRefused(f"Compute Engine refused {answer}")
    if status == 403 or _NO_ACCOUNT.search(message):
        return _forbidden(request, f"Compute Engine refused {answer}", reason, message)
    return AirflowException(f"Compute Engine refused {answer}")


def of_operation(request: SentRequest, errors: list[dict[str, Any]]) -> AirflowException:
    """Return the exception for a failed operation; ``errors`` are its ``error.errors``."""
    reasons = "; ".join(f"{error['code']}: {error.get('message', '')}" for error in errors)
    sentence = f"Compute Engine could not {request.what}: {reasons}"
    codes = {str(error["code"]) for error in errors}
    if codes & _NO_CAPACITY:
        return ZoneExhausted(sentence)
    for error in errors:
        code, message = str(error["code"]), str(error.get("message", ""))
        if code in _QUOTA:
            info = [d["quotaInfo"] for d in error.get("errorDetails", []) if "quotaInfo" in d]
            return ComputeEngineRefused(f"{sentence} {_more_quota(request, info)}")
        if _NO_ACCOUNT.search(message):
            return _forbidden(request, sentence, code, message)
    return AirflowException(sentence)


def _forbidden(
    request: SentRequest, sentence: str, reason: str, message: str
) -> ComputeEngineRefused:
    if reason in _QUOTA:
        return ComputeEngineRefused(f"{sentence} {_more_quota(request, [])}")
    who = request.account or "its account"
    if account := _NO_ACCOUNT.search(message):
        role, where = "roles/iam.serviceAccountUser", account[1] or "the VM's service account"
    else:
        role, where = "roles/compute.instanceAdmin.v1", f"project {request.project}"
    permission = _PERMISSION.search(message)
    lacks = f"lacks the permission {permission[1]}" if permission else "lacks a permission"
    return ComputeEngineRefused(
        f"{sentence}. Connection '{request.conn_id}' {lacks}: grant {who} the role {role} on "
        f"{where}"
    )


def _more_quota(request: SentRequest, details: list[dict[str, Any]]) -> str:
    place = f"https://console.cloud.google.com/iam-admin/quotas?project={request.project}"
    if not details:
        return f"Request a higher quota at {place}, or stop other resources that use it."
    info = details[0]
    where = ", ".join(f"{k} {v}" for k, v in info.get("dimensions", {}).items())
    return (
        f"Request a higher quota of {info['metricName']} ({info['limitName']}, now "
        f"{info['limit']:g} in {where or 'the project'}) at {place}, or choose a "
        "smaller machine type."
    )
