"""The errors of Confluent Cloud's API, and those of its Kafka REST API."""

from __future__ import annotations

from typing import Final

from tests.support.cloud.http import Answer

#: Code and title of an HTTP status, as in the examples of Confluent's OpenAPI documents.
_TITLES: Final = {
    400: ("invalid_request", "Bad Request"),
    401: ("user_unauthenticated", "Authentication Required"),
    402: ("quota_exceeded", "Quota Exceeded"),
    403: ("user_unauthorized", "User Access Unauthorized"),
    404: ("resource_not_found", "Not Found"),
    409: ("resource_already_exists", "Resource Already exists"),
    422: ("invalid_configuration", "Validation Failed"),
}


class ConfluentError(Exception):
    """A request is refused; ``kafka`` is the error code of Kafka's REST API, 0 for the cloud's."""

    def __init__(self, status: int, detail: str, *, kafka: int = 0) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kafka = kafka

    def answer(self) -> Answer:
        """Return the HTTP answer."""
        if self.kafka:
            return Answer(self.status, {"error_code": self.kafka, "message": self.detail})
        code, title = _TITLES[self.status]
        error = {
            "id": "ed42afdc-f0d5-4c0d-b428-9fc6ed6e279d",
            "status": str(self.status),
            "code": code,
            "title": title,
            "detail": self.detail,
        }
        return Answer(self.status, {"errors": [error]})
