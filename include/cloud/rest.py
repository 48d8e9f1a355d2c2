"""Requests to Google's and Confluent's REST APIs: login, retries, pages and long operations."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import google.auth
import google.auth.credentials
import google.auth.exceptions
import google.auth.transport.requests
import httpx

from include.cloud.errors import CloudError, RefusedError, UnsureError
from include.waiting import Polling

GOOGLE_VARIABLE: Final = "VENTAS_GOOGLE_ENDPOINT"
CONFLUENT_VARIABLE: Final = "VENTAS_CONFLUENT_ENDPOINT"
KEY_VARIABLES: Final = ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET")

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"

#: Seconds to the deadline of the retries of a request, and of a long operation.
_RETRY: Final = 60.0
_OPERATION: Final = 600.0

#: Seconds for a created resource to be known to all of a cloud's servers.
_SETTLE: Final = 300.0

#: Repetitions of a request, two seconds apart, until the person is told what is waited for.
_QUIET: Final = 5

#: Refusals of Google that end by themselves, because a resource was made a moment ago.
_NOT_YET: Final = re.compile(
    r"resourceNotReady|is not ready|[Ss]ervice account \S+ does not exist"
    r"|has not been used in project .* before"
)

#: Refusals of a new key of a Confluent cluster, which takes minutes to be known there.
_NEW_KEY: Final = re.compile("^401 ")

#: Refusals of a new key of a registry, which may also not know its owner's new role yet.
NEW_ROLE: Final = re.compile("^40[13] ")


class Clock:
    """Time of the retries; a test replaces it."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.now = now
        self._monotonic = monotonic
        self._sleep = sleep

    def polling(self, seconds: float, interval: float = 2) -> Polling:
        """Return the polls until a deadline."""
        return Polling(seconds, interval=interval, clock=self._monotonic, sleep=self._sleep)


class Rest:
    """A client of JSON APIs: `call` retries, and raises `RefusedError` on an error.

    Args:
        base: returns the URL of a path.
        auth: adds the login to a request.
        clock: time of the retries.
        transport: sends the requests; a test replaces it.
    """

    def __init__(
        self,
        base: Callable[[str], str],
        *,
        auth: httpx.Auth | None,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base = base
        self._clock = clock
        self._client = httpx.Client(auth=auth, transport=transport, timeout=30)
        self.skew = 0.0
        """Seconds by which this machine's clock is ahead of the server's."""
        self.tell: Callable[..., None] = lambda _, **__: None
        """Prints why a request is repeated; see `include.cloud.cloud.Cloud`."""

    def call(
        self, method: str, path: str, body: Any = None, *, not_yet: re.Pattern[str] | None = None
    ) -> Any:
        """Return the answer's JSON; {} for an answer without a body.

        A request that may be repeated is repeated after 429, 5xx and broken connections; a POST
        that creates something only after 429. `not_yet` matches refusals (status, space, reason)
        to wait out, because the server does not know yet what was made a moment ago.

        Raises:
            UnsureError: a POST may or may not have had its effect.
            RefusedError: the server answered another error.
        """
        deadline = _SETTLE if not_yet else _RETRY
        for tried, _ in enumerate(self._clock.polling(deadline)):
            status, reason, answer = self._once(method, path, body)
            # Without an answer, the address is what a person must look at.
            asked = f"{method} {path if status else self._base(path)}"
            # What is not there any more is deleted, perhaps by a request whose answer was lost.
            if 200 <= status < 300 or (method == "DELETE" and status == 404):
                return answer
            if status != 429 and not (not_yet and not_yet.search(f"{status} {reason}")):
                if status and status < 500:
                    raise RefusedError(asked, status, reason)
                if method == "POST" and ":" not in path.rpartition("/")[2]:
                    raise UnsureError(asked, status, reason)
            if tried == _QUIET:
                self.tell("not_yet", asked=asked, reason=reason, seconds=int(deadline))
        raise RefusedError(asked, status, reason)

    def _once(self, method: str, path: str, body: Any) -> tuple[int, str, Any]:
        """Return status (0 without an answer), the reason of an error, and the JSON."""
        try:
            answer = self._client.request(method, self._base(path), json=body)
        except httpx.TransportError as error:
            return 0, str(error) or type(error).__name__, {}
        if date := answer.headers.get("Date"):
            self.skew = self._clock.now() - parsedate_to_datetime(date).timestamp()
        if not answer.is_success:
            return answer.status_code, _reason(answer), {}
        try:
            return answer.status_code, "", answer.json() if answer.content else {}
        except ValueError:
            return 0, "the answer is not JSON", {}

    def find(self, path: str, method: str = "GET", body: Any = None) -> Any | None:
        """Return what `call` does; None if it does not exist."""
        try:
            return self.call(method, path, body)
        except RefusedError as error:
            if error.status == 404 or is_off(error):
                return None
            raise

    def pages(self, path: str, items: str, following: Callable[[Any], str]) -> Iterator[Any]:
        """Yield the items of all pages; `following` returns the path of the next page, or ""."""
        while path:
            answer = self.call("GET", path)
            yield from answer.get(items) or []
            path = following(answer)


def is_off(error: RefusedError) -> bool:
    """Return whether Google refused because the API is not enabled in the project."""
    return error.status == 403 and (
        "SERVICE_DISABLED" in error.reason or "has not been used in project" in error.reason
    )


class Google(Rest):
    """Google's APIs; a path begins with the service, such as ``compute/compute/v1/projects/p``."""

    def __init__(
        self,
        clock: Clock,
        *,
        environment: Mapping[str, str] = os.environ,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        endpoint = environment.get(GOOGLE_VARIABLE, "").rstrip("/")

        def url(path: str) -> str:
            service, _, rest = path.partition("/")
            host = f"{service}.googleapis.com"
            return f"{endpoint}/{host}/{rest}" if endpoint else f"https://{host}/{rest}"

        # With the variable, no login is sent: the address may be anything.
        super().__init__(url, auth=None if endpoint else _Login(), clock=clock, transport=transport)

    def run(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that changes something, and wait for its long operation, if it has one.

        Raises:
            CloudError: the operation failed, or did not end before the deadline.
            RefusedError: the request was refused.
        """
        answer = self.call(method, path, body, not_yet=_NOT_YET)
        if operation := _operation(path, answer):
            answer = self._wait(f"{method} {path}", operation, answer)
        if error := answer.get("error"):
            errors = error.get("errors") or [error]
            reason = "; ".join(str(each.get("message") or each.get("code")) for each in errors)
            raise CloudError("failed_operation", asked=f"{method} {path}", reason=reason)
        return answer

    def _wait(self, asked: str, operation: str, answer: Any) -> Any:
        """Return the operation once it is done; `answer` is how it began."""
        if _is_done(answer):
            return answer
        for _ in self._clock.polling(_OPERATION):
            answer = self.call("GET", operation)
            if _is_done(answer):
                return answer
        raise CloudError("slow_operation", asked=asked, seconds=int(_OPERATION))


def _operation(path: str, answer: Any) -> str:
    """Return the path of the answer's long operation; "" if it is none."""
    service = path.partition("/")[0]
    if answer.get("kind") in ("compute#operation", "sql#operation"):
        prefix = path.partition("/projects/")[0]
        return f"{prefix}/projects/{answer['selfLink'].partition('/projects/')[2]}"
    name = str(answer.get("name", ""))
    return f"{service}/v1/{name}" if name.startswith("operations/") else ""


def _is_done(operation: Any) -> bool:
    return bool(operation.get("done")) or operation.get("status") == "DONE"


class _Login(httpx.Auth):
    """The login of Google's Application Default Credentials, with their quota project."""

    def __init__(self) -> None:
        self._credentials: google.auth.credentials.Credentials | None = None

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Add the token to a request."""
        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[_SCOPE])
            headers: dict[str, str] = {}
            self._credentials.before_request(
                google.auth.transport.requests.Request(), request.method, str(request.url), headers
            )
        except google.auth.exceptions.TransportError as error:
            raise httpx.ConnectError(str(error), request=request) from None
        except google.auth.exceptions.GoogleAuthError as error:
            raise CloudError("no_google_login", reason=error) from None
        request.headers.update(headers)
        yield request


class Confluent(Rest):
    """Confluent Cloud's API; `at` is the API of a cluster or a registry."""

    def __init__(
        self,
        clock: Clock,
        *,
        environment: Mapping[str, str] = os.environ,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take the API key from the environment.

        Raises:
            CloudError: the environment has no key.
        """
        key, secret = (environment.get(name, "") for name in KEY_VARIABLES)
        if not key or not secret:
            raise CloudError("no_confluent_key", names=" / ".join(KEY_VARIABLES))
        endpoint = environment.get(CONFLUENT_VARIABLE, "https://api.confluent.cloud").rstrip("/")
        self.key = key
        self._transport = transport
        super().__init__(
            lambda path: f"{endpoint}/{path}",
            auth=httpx.BasicAuth(key, secret),
            clock=clock,
            transport=transport,
        )

    def items(self, path: str) -> list[Any]:
        """Return the items of all pages of a list."""
        size = "&" if "?" in path else "?"
        return list(self.pages(f"{path}{size}page_size=99", "data", _next_page))

    def at(self, endpoint: str, key: str, secret: str) -> "Kafka":
        """Return a client of another address, such as a cluster's, with a key of that address."""
        kafka = Kafka(
            lambda path: f"{endpoint.rstrip('/')}/{path}",
            auth=httpx.BasicAuth(key, secret),
            clock=self._clock,
            transport=self._transport,
        )
        kafka.tell = self.tell
        return kafka


class Kafka(Rest):
    """The REST API of a Confluent cluster or registry."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what `call` does, also with a key that was made a moment ago."""
        return self.call(method, path, body, not_yet=_NEW_KEY)


def _next_page(answer: Any) -> str:
    """Return path and query of the next page, whatever the host of its URL."""
    url = (answer.get("metadata") or {}).get("next") or ""
    return httpx.URL(url).raw_path.decode().lstrip("/") if url else ""


def _reason(answer: httpx.Response) -> str:
    """Return the sentence of an error: Google's, or Confluent's (RFC 7807 within `errors`)."""
    try:
        found = answer.json()
    except ValueError:
        return answer.text[:200]
    if not isinstance(found, dict):
        return answer.text[:200]
    error = found.get("error")
    if isinstance(error, dict):
        details = [str(each.get("reason")) for each in error.get("details", []) if "reason" in each]
        details += [str(each.get("reason")) for each in error.get("errors", []) if "reason" in each]
        return " ".join([str(error.get("message", "")), *details]).strip()
    errors = found.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("detail") or errors[0].get("title"))
    return str(found.get("message") or error or answer.text[:200])
