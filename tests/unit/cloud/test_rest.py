"""The REST client: retries, deadlines, pages, and errors as one sentence."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from include.cloud.errors import CloudError, RefusedError, UnsureError
from include.cloud.rest import Clock, Confluent, Google

GOOGLE = {"VENTAS_GOOGLE_ENDPOINT": "http://cloud.test/"}
KEY = {"CONFLUENT_CLOUD_API_KEY": "key", "CONFLUENT_CLOUD_API_SECRET": "secret"}


class Time:
    """A clock that only sleeps move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(now=lambda: self.now, monotonic=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def google(time: Time, *statuses: int) -> tuple[Google, list[httpx.Request]]:
    """Return a client whose server answers these statuses, the last one for ever."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        status = statuses[min(len(asked), len(statuses)) - 1]
        if not status:
            raise httpx.ConnectError("refused")
        return httpx.Response(
            status, json={"error": {"message": "because"}} if status > 299 else {}
        )

    return Google(time.clock, environment=GOOGLE, transport=httpx.MockTransport(answer)), asked


def test_every_service_is_asked_at_the_endpoint_of_the_variable() -> None:
    client, asked = google(Time(), 200)
    client.call("GET", "compute/compute/v1/projects/p/global/networks/n")
    (request,) = asked
    assert str(request.url) == (
        "http://cloud.test/compute.googleapis.com/compute/v1/projects/p/global/networks/n"
    )
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_reading_is_tried_again(status: int) -> None:
    client, asked = google(Time(), status, status, 200)
    assert client.call("GET", "iam/v1/x") == {}
    assert len(asked) == 3


def test_reading_ends_at_its_deadline() -> None:
    time = Time()
    client, _ = google(time, 503)
    with pytest.raises(RefusedError) as error:
        client.call("GET", "iam/v1/x")
    assert "503" in error.value.text("en")
    assert "because" in error.value.text("en")
    assert 60 <= time.now < 70


def test_address_that_does_not_answer_is_named() -> None:
    client, _ = google(Time(), 0)
    with pytest.raises(RefusedError, match=r"GET http://cloud\.test/iam\.googleapis"):
        client.call("GET", "iam/v1/x")


@pytest.mark.parametrize("status", [0, 500, 503])
def test_creation_is_not_repeated_blindly(status: int) -> None:
    client, asked = google(Time(), status)
    with pytest.raises(UnsureError):
        client.call("POST", "iam/v1/x", {})
    assert len(asked) == 1


def test_creation_is_repeated_after_429_and_the_reason_is_told_once() -> None:
    client, asked = google(Time(), *[429] * 9, 200)
    told: list[dict[str, object]] = []
    client.tell = lambda key, **values: told.append({"key": key, **values})
    client.call("POST", "iam/v1/x", {})
    assert len(asked) == 10
    reason = {"asked": "POST iam/v1/x", "reason": "because", "seconds": 60}
    assert told == [{"key": "not_yet", **reason}]


def test_answer_that_is_not_json_names_its_address() -> None:
    page = httpx.Response(200, text="<html>Log in to this network</html>")
    transport = httpx.MockTransport(lambda _: page)
    client = Google(Time().clock, environment=GOOGLE, transport=transport)
    with pytest.raises(RefusedError, match=r"http://cloud\.test/.* \(the answer is not JSON\)"):
        client.call("GET", "iam/v1/x")


def test_operation_without_end_is_named() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        link = "https://www.googleapis.com/compute/v1/projects/p/global/operations/o"
        body = {"kind": "compute#operation", "status": "RUNNING", "selfLink": link}
        return httpx.Response(200, json=body)

    time = Time()
    client = Google(time.clock, environment=GOOGLE, transport=httpx.MockTransport(answer))
    with pytest.raises(CloudError) as error:
        client.run("POST", "compute/compute/v1/projects/p/global/networks", {})
    assert error.value.problem == "slow_operation"


def confluent(answer: Callable[[httpx.Request], httpx.Response]) -> Confluent:
    return Confluent(Time().clock, environment=KEY, transport=httpx.MockTransport(answer))


def test_all_pages_of_a_list_are_read() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "api.confluent.cloud"
        assert request.headers["Authorization"].startswith("Basic ")
        page = int(request.url.params.get("page_token", "0"))
        following = f"https://api.confluent.cloud/org/v2/environments?page_token={page + 1}"
        metadata = {"next": following if page < 2 else None}
        return httpx.Response(200, json={"data": [page], "metadata": metadata})

    assert confluent(answer).items("org/v2/environments") == [0, 1, 2]


def test_error_of_confluent_is_its_detail() -> None:
    errors = {"errors": [{"title": "Quota Exceeded", "detail": "too many clusters"}]}
    client = confluent(lambda _: httpx.Response(402, json=errors))
    with pytest.raises(RefusedError, match="too many clusters"):
        client.call("POST", "cmk/v2/clusters", {})
