"""HTTP client of Druid: SQL, supervisors, tasks, compaction, retention. Independent of Airflow.

Threads may share a client.

Every call has a time-out. After a refused connection or a 502, 503 or 504 the client retries for
about half a minute, because a router answers so while the process behind it restarts. After a read
time-out it retries once.
"""

import math
import re
import reprlib
from collections.abc import Mapping, Sequence
from json import loads
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util.retry import Retry

#: Status codes of a router while the process behind it is down.
_AWAY = (502, 503, 504)
_RETRY = Retry(
    # Once, for a connection that was closed: a server that is slow will be slow again.
    read=1,
    backoff_factor=0.25,
    status_forcelist=_AWAY,
    # None retries POSTs too: SQL only reads, and posting a supervisor's spec twice is harmless.
    allowed_methods=None,
    raise_on_status=False,
)
#: OpenSSL's words before the reason.
_UNTRUSTED = "certificate verify failed: "
_MISSING = re.compile(r"Object '[^']*' not found")
_SQL_TYPES = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}


_CONNECTIONS = 32
"""Most connections that stay open for the threads of a client."""

_COORDINATOR = "/druid/coordinator/v1/config"
_COMPACTION = f"{_COORDINATOR}/compaction"


class DruidError(RuntimeError):
    """Druid refused a request; the message has Druid's own text."""


class DruidUnreachableError(DruidError):
    """Druid does not answer, or only its router answers; the message has the address."""


class LoginRefusedError(DruidError):
    """Druid, or the proxy in front of it, refuses the login of the request."""


class SupervisorMissingError(DruidError):
    """There is no supervisor of that name."""


class DatasourceMissingError(DruidError):
    """The datasource does not exist: nothing ingested yet, or its only task is being replaced."""


class QueryInvalidError(DruidError):
    """Druid cannot parse or plan the query; the message is only Druid's own text."""


class QueryTimeoutError(DruidError):
    """The query reached its time-out."""


class QueryCanceledError(DruidError):
    """Someone cancelled the query."""


class AnswerTooLargeError(DruidError):
    """The answer has more bytes than the caller accepts; the rest of it was not read."""


#: Exception for each of Druid's error categories.
_CATEGORIES: dict[str, type[DruidError]] = {
    "INVALID_INPUT": QueryInvalidError,
    "UNSUPPORTED": QueryInvalidError,
    "TIMEOUT": QueryTimeoutError,
    "CANCELED": QueryCanceledError,
}


class SqlColumn(NamedTuple):
    """A column of an answer; `type` is an SQL type: BIGINT, DOUBLE, VARCHAR, TIMESTAMP…"""

    name: str
    type: str


class SqlTable(NamedTuple):
    """An answer with its columns in order, even if it has no rows."""

    columns: list[SqlColumn]
    rows: list[list[Any]]


class DruidClient:
    """Client of one Druid cluster, through its router.

    Args:
        url: base URL of the router, e.g. ``http://127.0.0.1:8888``.
        auth: authentication for `requests`.
        verify: whether to check TLS certificates, or the path of a CA bundle.
        timeout: seconds to wait for one answer.
        retries: retries after the first attempt; 0 for a caller that retries by itself.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: AuthBase | None = None,
        verify: bool | str = True,
        timeout: float = 10.0,
        retries: int = 7,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = auth
        self._verify = verify
        for scheme in ("http://", "https://"):
            retry = _RETRY.new(total=retries)
            adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=retry)
            self._session.mount(scheme, adapter)

    def sql(
        self,
        query: str,
        parameters: Sequence[bool | int | float | str] = (),
        *,
        timeout: float = 30.0,
        context: Mapping[str, object] | None = None,
    ) -> list[dict[str, Any]]:
        """Run a query and return its rows, as dicts by column.

        `timeout` (seconds) is Druid's own limit too, so that Druid stops a query whose client has
        given up.

        Raises:
            DatasourceMissingError: the query names a datasource that does not exist (yet).
            QueryInvalidError, QueryTimeoutError, QueryCanceledError: as their names say.
            DruidError: the query failed, perhaps half-way (part of the rows is never returned); or
                Druid does not accept a parameter's type or value, and nothing was sent.
        """
        rows: list[dict[str, Any]] = self._sql(query, parameters, timeout, context, {})
        return rows

    def sql_table(
        self,
        query: str,
        parameters: Sequence[bool | int | float | str] = (),
        *,
        timeout: float = 30.0,
        context: Mapping[str, object] | None = None,
        most_bytes: int | None = None,
    ) -> SqlTable:
        """Run a query as `sql` does, and return its columns too.

        Raises:
            AnswerTooLargeError: the answer has more than `most_bytes`.
        """
        form = {"resultFormat": "array", "header": True, "sqlTypesHeader": True}
        names, types, *rows = self._sql(query, parameters, timeout, context, form, most_bytes)
        return SqlTable([SqlColumn(*each) for each in zip(names, types, strict=True)], rows)

    def cancel_sql(self, query_id: str) -> None:
        """Cancel the query whose context has this id as `sqlQueryId` and `queryId`, if it runs.

        Druid ignores a cancellation that comes too early, or between two native queries of one SQL
        query, so repeat the call until the query ends.
        """
        name = quote(query_id, safe="")
        for path in (f"/druid/v2/sql/{name}", f"/druid/v2/{name}"):
            try:
                self._request("DELETE", path)
            except _StatusError as error:
                if error.status != 404:
                    raise

    def submit_supervisor(self, spec: Mapping[str, Any]) -> str:
        """Create or update a supervisor and return its id; an unchanged spec changes nothing."""
        answer = self._request(
            "POST", "/druid/indexer/v1/supervisor?skipRestartIfUnmodified=true", json=spec
        )
        return str(answer.json()["id"])

    def supervisor_status(self, supervisor: str) -> dict[str, Any]:
        """Return the payload of the status report: state, detailedState, lag, recentErrors, tasks…

        Raises:
            SupervisorMissingError: the supervisor does not exist.
        """
        payload: dict[str, Any] = self._supervisor("GET", supervisor, "status")["payload"]
        return payload

    def supervisor_spec(self, supervisor: str) -> dict[str, Any]:
        return self._supervisor("GET", supervisor)

    def supervisor_stats(self, supervisor: str) -> dict[str, Any]:
        """Return the row counts of a supervisor's running tasks, by task group and task.

        Raises:
            SupervisorMissingError: the supervisor does not exist.
        """
        return self._supervisor("GET", supervisor, "stats")

    def suspend_supervisor(self, supervisor: str) -> None:
        """Make a supervisor's tasks publish their rows, and start no new tasks."""
        self._supervisor("POST", supervisor, "suspend")

    def resume_supervisor(self, supervisor: str) -> None:
        """Start a supervisor's tasks again from the published offsets."""
        self._supervisor("POST", supervisor, "resume")

    def hand_off(self, supervisor: str, groups: Sequence[int]) -> None:
        """Make the tasks of these groups publish their rows; new tasks take their place."""
        path = f"/druid/indexer/v1/supervisor/{quote(supervisor, safe='')}/taskGroups/handoff"
        self._request("POST", path, json={"taskGroupIds": list(groups)})  # the answer has no JSON

    def reset_supervisor(self, supervisor: str) -> None:
        """Delete a supervisor's offsets and stop its tasks, whose unpublished rows are dropped.

        The supervisor then reads the topic from its beginning.
        """
        self._supervisor("POST", supervisor, "reset")

    def reset_offsets(self, supervisor: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set the next offset of some partitions (partition → offset).

        The tasks that read these partitions stop without publishing their rows.
        """
        partitions = {"type": "end", "stream": topic, "partitionOffsetMap": dict(offsets)}
        self._supervisor(
            "POST", supervisor, "resetOffsets", json={"type": "kafka", "partitions": partitions}
        )

    def submit_task(self, spec: Mapping[str, Any]) -> str:
        """Start a task, such as a batch task, and return its id."""
        answer = self._request("POST", "/druid/indexer/v1/task", json=spec)
        return str(answer.json()["task"])

    def tasks(self, datasource: str) -> list[dict[str, Any]]:
        """Return a datasource's tasks that wait, that run, or that ended in the last day."""
        path = f"/druid/indexer/v1/tasks?datasource={quote(datasource, safe='')}"
        tasks: list[dict[str, Any]] = self._request("GET", path).json()
        return tasks

    def running_tasks(self, datasource: str) -> list[dict[str, Any]]:
        """Return a datasource's tasks that a worker runs, as the overlord believes.

        `tasks` lists such a task as waiting if the overlord learned it from its worker.
        """
        path = f"/druid/indexer/v1/runningTasks?datasource={quote(datasource, safe='')}"
        tasks: list[dict[str, Any]] = self._request("GET", path).json()
        return tasks

    def task(self, task: str) -> dict[str, Any]:
        """Return a task's specification, as it was submitted."""
        path = f"/druid/indexer/v1/task/{quote(task, safe='')}"
        payload: dict[str, Any] = self._request("GET", path).json()["payload"]
        return payload

    def task_report(self, task: str) -> dict[str, Any]:
        """Return the report of a task that has ended, with the counts of the rows that it read."""
        path = f"/druid/indexer/v1/task/{quote(task, safe='')}/reports"
        report: dict[str, Any] = self._request("GET", path).json()
        return report

    def shut_down_task(self, task: str) -> None:
        """Make the overlord count a task as failed, and its worker end it if the task runs."""
        self._request("POST", f"/druid/indexer/v1/task/{quote(task, safe='')}/shutdown")

    def workers(self) -> list[dict[str, Any]]:
        """Return the overlord's workers, each with its address and the ids of its tasks."""
        workers: list[dict[str, Any]] = self._request("GET", "/druid/indexer/v1/workers").json()
        return workers

    def compaction(self, datasource: str) -> dict[str, Any]:
        """Return a datasource's auto-compaction, with Druid's defaults filled in; {} if none."""
        try:
            answer = self._request("GET", f"{_COMPACTION}/{quote(datasource, safe='')}")
        except _StatusError as error:
            if error.status == 404:
                return {}
            raise
        found: dict[str, Any] = answer.json()
        return found

    def set_compaction(self, config: Mapping[str, Any]) -> None:
        """Set the auto-compaction of the datasource that `config` names."""
        self._request("POST", _COMPACTION, json=config)

    def retention_rules(self, datasource: str) -> list[dict[str, Any]]:
        """Return a datasource's own retention rules; [] where the cluster's defaults apply."""
        rules: list[dict[str, Any]] = self._request("GET", _rules(datasource)).json()
        return rules

    def set_retention_rules(self, datasource: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace a datasource's own retention rules; the first that fits a segment applies."""
        self._request("POST", _rules(datasource), json=rules)

    def coordinator_config(self) -> dict[str, Any]:
        config: dict[str, Any] = self._request("GET", _COORDINATOR).json()
        return config

    def set_coordinator_config(self, config: Mapping[str, Any]) -> None:
        """Change these settings of the coordinator's dynamic configuration and no others."""
        self._request("POST", _COORDINATOR, json=config)

    def _sql(
        self,
        query: str,
        parameters: Sequence[bool | int | float | str],
        timeout: float,
        context: Mapping[str, object] | None,
        form: Mapping[str, object],
        most_bytes: int | None = None,
    ) -> Any:
        body = {
            "query": query,
            "parameters": [_sql_parameter(value) for value in parameters],
            # The broker's default too, but a VM may still run with an older configuration.
            "context": {"timeout": int(timeout * 1000), "noProjections": True, **(context or {})},
            **form,
        }
        try:
            answer = self._request(
                "POST", "/druid/v2/sql", json=body, timeout=timeout + 5, stream=bool(most_bytes)
            )
        except _StatusError as error:
            if _MISSING.search(str(error)):
                raise DatasourceMissingError(str(error)) from error
            if kind := _CATEGORIES.get(error.category):
                raise kind(error.reason) from error
            raise
        content = self._read(answer, most_bytes) if most_bytes else answer.content
        end = content[-300:].decode(errors="replace")
        try:
            rows = _decoded(content)
        except ValueError as error:
            # Druid has already sent status 200 when a later part fails, so the body just ends.
            raise DruidError(
                f"Druid at {self.url} sent an incomplete answer, which ends in: {end}"
            ) from error
        if not isinstance(rows, list):
            raise DruidError(f"What answers at {self.url} is not Druid: {end}")
        return rows

    def _read(self, answer: requests.Response, most_bytes: int) -> bytes:
        """Read the body of a streamed answer; close the connection if the body is too large."""
        content = bytearray()
        with answer:
            try:
                for chunk in answer.iter_content(65_536):
                    content += chunk
                    if len(content) > most_bytes:
                        raise AnswerTooLargeError(
                            f"The answer of Druid at {self.url} is larger than {most_bytes} bytes"
                        )
            except requests.RequestException as error:
                raise DruidUnreachableError(
                    f"The answer of Druid at {self.url} was cut off ({type(error).__name__}): "
                    "check that its VM is on and healthy"
                ) from error
        return bytes(content)

    def _supervisor(
        self, method: str, supervisor: str, action: str = "", *, json: object = None
    ) -> dict[str, Any]:
        path = f"/druid/indexer/v1/supervisor/{quote(supervisor, safe='')}"
        try:
            answer = self._request(method, f"{path}/{action}" if action else path, json=json)
        except _StatusError as error:
            if error.status == 404:
                raise SupervisorMissingError(
                    f"Druid at {self.url} has no supervisor {supervisor!r}."
                ) from error
            raise
        found: dict[str, Any] = answer.json()
        return found

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        timeout: float | None = None,
        stream: bool = False,
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                self.url + path,
                json=json,
                timeout=timeout or self._timeout,
                # Set on each request, because REQUESTS_CA_BUNDLE overrides the session's value.
                verify=self._verify,
                stream=stream,
            )
        except requests.RequestException as error:
            if _UNTRUSTED in str(error):
                raise DruidError(
                    f"The certificate of Druid at {self.url} is not trusted "
                    f"({_after(_UNTRUSTED, error)}): set ca_bundle_path in the extra of its "
                    "connection to the certificate of the authority that issued it, or renew it"
                ) from error
            raise DruidUnreachableError(
                f"Druid at {self.url} does not answer ({type(error).__name__}): "
                "check that its VM is on and healthy"
            ) from error
        # A query that reaches its own time-out is answered with 504, too.
        if answer.status_code in _AWAY and _category(answer) != "TIMEOUT":
            raise DruidUnreachableError(
                f"Druid at {self.url} is not available (HTTP {answer.status_code}): "
                f"{_reason(answer)}"
            )
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise LoginRefusedError(
                f"Druid at {self.url} refused the login (HTTP {answer.status_code}): correct the "
                "login and password of its connection, or the permissions of that user"
            )
        if not answer.ok:
            raise _StatusError(self.url, answer)
        return answer


def _decoded(content: bytes) -> Any:
    """Return the value of a JSON text; raise ValueError if it is incomplete."""
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        # Slower, but accepts halves of surrogate pairs, which a record's text may contain.
        return loads(content)


def _sql_parameter(value: object) -> dict[str, object]:
    kind = _SQL_TYPES.get(type(value))
    too_long = isinstance(value, int) and not -(2**63) <= value < 2**63
    if kind is None or too_long or (isinstance(value, float) and not math.isfinite(value)):
        raise DruidError(
            "A parameter of an SQL query must be a text, a boolean or a finite 64-bit number, "
            f"not {reprlib.repr(value)}"
        )
    return {"type": kind, "value": value}


class _StatusError(DruidError):
    def __init__(self, url: str, answer: requests.Response) -> None:
        self.status = answer.status_code
        self.category = _category(answer)
        self.reason = _reason(answer)
        super().__init__(f"Druid at {url} answered {answer.status_code}: {self.reason}")


def _after(words: str, error: Exception) -> str:
    """Return the part of an error's message after `words`, up to OpenSSL's file and line."""
    return str(error).partition(words)[2].partition(" (")[0]


def _rules(datasource: str) -> str:
    return f"/druid/coordinator/v1/rules/{quote(datasource, safe='')}"


def _category(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return ""
    return str(body.get("category", "")) if isinstance(body, dict) else ""


def _reason(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return answer.text[:500]
    if isinstance(body, dict):
        return str(body.get("errorMessage") or body.get("error") or body)[:500]
    return str(body)[:500]
