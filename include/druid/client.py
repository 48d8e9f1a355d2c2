"""Druid over HTTP: SQL, supervisors, tasks, compaction, retention. Knows nothing of Airflow.

Every call has a time-out, and a refused connection or a 502, 503 or 504 is tried again for about
half a minute: a router answers so while the process behind it restarts. An answer that does not
come in time is waited for once more.
"""

import math
import re
import reprlib
from collections.abc import Mapping, Sequence
from json import loads
from typing import Any, NamedTuple
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util.retry import Retry

#: What a router answers while the process behind it is away.
_AWAY = (502, 503, 504)
_RETRY = Retry(
    # A closed connection is worth a new one; a server that is slow once will be so again.
    read=1,
    backoff_factor=0.25,
    status_forcelist=_AWAY,
    # POSTs too: SQL only reads, and posting a supervisor's spec twice is harmless.
    allowed_methods=None,
    raise_on_status=False,
)
#: OpenSSL's words before why.
_UNTRUSTED = "certificate verify failed: "
_MISSING = re.compile(r"Object '[^']*' not found")
_SQL_TYPES = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}


_COORDINATOR = "/druid/coordinator/v1/config"
_COMPACTION = f"{_COORDINATOR}/compaction"


class DruidError(RuntimeError):
    """Druid refused; the message has its words."""


class DruidUnreachableError(DruidError):
    """Druid does not answer, or only its router does; the message has the address."""


class SupervisorMissingError(DruidError):
    """There is no supervisor of that name."""


class DatasourceMissingError(DruidError):
    """There is no such datasource: nothing ingested yet, or its only task is being replaced."""


class QueryInvalidError(DruidError):
    """Druid cannot read or plan the query; the message is Druid's alone."""


class QueryTimeoutError(DruidError):
    """The query took longer than it may."""


class QueryCanceledError(DruidError):
    """Someone cancelled the query."""


class AnswerTooLargeError(DruidError):
    """The answer has more bytes than the caller takes; the rest of it was not read."""


#: What is wrong with a query, by Druid's category of the error.
_CATEGORIES: dict[str, type[DruidError]] = {
    "INVALID_INPUT": QueryInvalidError,
    "UNSUPPORTED": QueryInvalidError,
    "TIMEOUT": QueryTimeoutError,
    "CANCELED": QueryCanceledError,
}


class SqlColumn(NamedTuple):
    """A column of an answer; `type` is SQL's: BIGINT, DOUBLE, VARCHAR, TIMESTAMP…"""

    name: str
    type: str


class SqlTable(NamedTuple):
    """An answer with its columns in their order, also where it has no row."""

    columns: list[SqlColumn]
    rows: list[list[Any]]


class DruidClient:
    """One Druid, by the base URL of its router.

    Args:
        url: e.g. ``http://127.0.0.1:8888``.
        auth: what `requests` takes as authentication.
        verify: check TLS certificates, or the path of a CA bundle.
        timeout: seconds for one answer.
        retries: tries after the first, 0 for a caller that asks again by itself.
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
            self._session.mount(scheme, HTTPAdapter(max_retries=_RETRY.new(total=retries)))

    def sql(
        self,
        query: str,
        parameters: Sequence[bool | int | float | str] = (),
        *,
        timeout: float = 30.0,
        context: Mapping[str, object] | None = None,
    ) -> list[dict[str, Any]]:
        """Rows of a query, as dicts by column.

        `timeout` (seconds) is Druid's own limit too, so that a given-up query does not go on.

        Raises:
            DatasourceMissingError: the query names a datasource that is not there (yet).
            QueryInvalidError, QueryTimeoutError, QueryCanceledError: as their names say.
            DruidError: the query failed, perhaps half-way: never a part of the rows; or a
                parameter is none that Druid takes, and it was not asked.
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
        """As `sql`, for a query whose columns the caller does not know.

        Raises:
            AnswerTooLargeError: the answer has more than `most_bytes`.
        """
        form = {"resultFormat": "array", "header": True, "sqlTypesHeader": True}
        names, types, *rows = self._sql(query, parameters, timeout, context, form, most_bytes)
        return SqlTable([SqlColumn(*each) for each in zip(names, types, strict=True)], rows)

    def cancel_sql(self, query_id: str) -> None:
        """Cancel a query whose context has this as `sqlQueryId` and as `queryId`, if there is one.

        Druid lets a query go on that is cancelled between two of its native queries, or too early,
        so cancel it until it ends.
        """
        name = quote(query_id, safe="")
        for path in (f"/druid/v2/sql/{name}", f"/druid/v2/{name}"):
            try:
                self._request("DELETE", path)
            except _StatusError as error:
                if error.status != 404:
                    raise

    def submit_supervisor(self, spec: Mapping[str, Any]) -> str:
        """Create or update a supervisor; the same spec again changes nothing. Returns its id."""
        answer = self._request(
            "POST", "/druid/indexer/v1/supervisor?skipRestartIfUnmodified=true", json=spec
        )
        return str(answer.json()["id"])

    def supervisor_ids(self) -> list[str]:
        """Ids of all supervisors that are not terminated."""
        ids: list[str] = self._request("GET", "/druid/indexer/v1/supervisor").json()
        return ids

    def supervisor_status(self, supervisor: str) -> dict[str, Any]:
        """Payload of the status report: state, detailedState, lag, recentErrors, tasks…

        Raises:
            SupervisorMissingError: it does not exist.
        """
        payload: dict[str, Any] = self._supervisor("GET", supervisor, "status")["payload"]
        return payload

    def supervisor_spec(self, supervisor: str) -> dict[str, Any]:
        """The spec as Druid keeps it."""
        return self._supervisor("GET", supervisor)

    def supervisor_stats(self, supervisor: str) -> dict[str, Any]:
        """Row counts of its running tasks, by task group and task.

        Raises:
            SupervisorMissingError: it does not exist.
        """
        return self._supervisor("GET", supervisor, "stats")

    def suspend_supervisor(self, supervisor: str) -> None:
        """Tell its tasks to publish what they have, and start no others."""
        self._supervisor("POST", supervisor, "suspend")

    def resume_supervisor(self, supervisor: str) -> None:
        """Start tasks again from the offsets that are published."""
        self._supervisor("POST", supervisor, "resume")

    def hand_off(self, supervisor: str, groups: Sequence[int]) -> None:
        """Have the tasks of these groups publish what they have; others take their place."""
        path = f"/druid/indexer/v1/supervisor/{quote(supervisor, safe='')}/taskGroups/handoff"
        self._request("POST", path, json={"taskGroupIds": list(groups)})  # its answer is empty

    def terminate_supervisor(self, supervisor: str) -> None:
        """Remove it, its tasks and its offsets; published segments stay."""
        self._supervisor("POST", supervisor, "terminate")

    def reset_supervisor(self, supervisor: str) -> None:
        """Forget all its offsets and end its tasks unpublished; it begins the topic anew."""
        self._supervisor("POST", supervisor, "reset")

    def reset_offsets(self, supervisor: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Let it go on elsewhere in some partitions; the tasks that read these end unpublished."""
        partitions = {"type": "end", "stream": topic, "partitionOffsetMap": dict(offsets)}
        self._supervisor(
            "POST", supervisor, "resetOffsets", json={"type": "kafka", "partitions": partitions}
        )

    def tasks(self, datasource: str) -> list[dict[str, Any]]:
        """Tasks of a datasource: those that wait or run, and those that ended in the last day."""
        path = f"/druid/indexer/v1/tasks?datasource={quote(datasource, safe='')}"
        tasks: list[dict[str, Any]] = self._request("GET", path).json()
        return tasks

    def task(self, task: str) -> dict[str, Any]:
        """A task as it was submitted."""
        path = f"/druid/indexer/v1/task/{quote(task, safe='')}"
        payload: dict[str, Any] = self._request("GET", path).json()["payload"]
        return payload

    def task_report(self, task: str) -> dict[str, Any]:
        """What a task that ended says of the rows that it read."""
        path = f"/druid/indexer/v1/task/{quote(task, safe='')}/reports"
        report: dict[str, Any] = self._request("GET", path).json()
        return report

    def compaction(self, datasource: str) -> dict[str, Any]:
        """Auto-compaction of a datasource, with Druid's defaults filled in; {} if it has none."""
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
        """A datasource's own rules; [] where the cluster's default ones apply."""
        rules: list[dict[str, Any]] = self._request("GET", _rules(datasource)).json()
        return rules

    def set_retention_rules(self, datasource: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace a datasource's own rules; the first that fits a segment applies."""
        self._request("POST", _rules(datasource), json=rules)

    def coordinator_config(self) -> dict[str, Any]:
        """The coordinator's dynamic configuration."""
        config: dict[str, Any] = self._request("GET", _COORDINATOR).json()
        return config

    def set_coordinator_config(self, config: Mapping[str, Any]) -> None:
        """Change what is given of the coordinator's dynamic configuration, and nothing else."""
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
            "context": {"timeout": int(timeout * 1000), **(context or {})},
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
        try:
            return loads(content)
        except ValueError as error:
            # Druid has sent 200 by the time a later part fails: the text just ends.
            end = content[-300:].decode(errors="replace")
            raise DruidError(f"Druid's answer broke off half-way: {end}") from error

    def _read(self, answer: requests.Response, most_bytes: int) -> bytes:
        """Read the body of a streamed answer, and hang up on one that is too large."""
        content = bytearray()
        with answer:
            try:
                for chunk in answer.iter_content(65_536):
                    content += chunk
                    if len(content) > most_bytes:
                        raise AnswerTooLargeError(
                            f"The answer of Druid at {self.url} has more than {most_bytes} bytes"
                        )
            except requests.RequestException as error:
                raise DruidUnreachableError(
                    f"The answer of Druid at {self.url} broke off ({type(error).__name__}): "
                    "is its VM on and healthy?"
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
                # With each request: a session's own yields to REQUESTS_CA_BUNDLE.
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
                f"Druid does not answer at {self.url} ({type(error).__name__}): "
                "is its VM on and healthy?"
            ) from error
        # A query's own time limit is a 504, too.
        if answer.status_code in _AWAY and _category(answer) != "TIMEOUT":
            raise DruidUnreachableError(
                f"Druid at {self.url} still answers {answer.status_code}: {_reason(answer)}"
            )
        if answer.status_code == requests.codes.unauthorized:
            raise DruidError(
                f"Druid at {self.url} refuses the login: correct login and password of its "
                "connection"
            )
        if not answer.ok:
            raise _StatusError(self.url, answer)
        return answer


def _sql_parameter(value: object) -> dict[str, object]:
    kind = _SQL_TYPES.get(type(value))
    too_long = isinstance(value, int) and not -(2**63) <= value < 2**63
    if kind is None or too_long or (isinstance(value, float) and not math.isfinite(value)):
        raise DruidError(
            "A parameter of SQL is a text, a boolean, or a finite number of 64 bits, "
            f"and this one is {reprlib.repr(value)}"
        )
    return {"type": kind, "value": value}


class _StatusError(DruidError):
    def __init__(self, url: str, answer: requests.Response) -> None:
        self.status = answer.status_code
        self.category = _category(answer)
        self.reason = _reason(answer)
        super().__init__(f"Druid at {url} answered {answer.status_code}: {self.reason}")


def _after(words: str, error: Exception) -> str:
    """What follows the words in an error's message, up to OpenSSL's file and line."""
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
