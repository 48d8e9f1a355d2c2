"""Health of the flow of sales into Druid, part by part: state, reason, since when, and numbers.

The bounds of the validation's checks judge here too, over a shorter look-back.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from include.druid.check_file import Bound, Check
from include.druid.checks import QUERY_CONTEXT, broken, load_checks
from include.druid.client import DruidClient
from include.druid.ledger import differences
from include.druid.queries import read_query
from include.page.outage_errors import OF_ALL
from include.sales.sums import Cell, Sums

log = logging.getLogger(__name__)

LOOKBACK: Final = timedelta(minutes=15)

_MINUTES: Final = Path(__file__).with_name("sql") / "flow_health" / "minutes.sql"
_MINUTE: Final = timedelta(minutes=1)
#: Seconds for each query: short, because a viewer waits for it and the page asks again anyway.
_TIMEOUT: Final = 4.0
_ERRORS: Final = 3
_ERROR_LENGTH: Final = 300

State = Literal["good", "attention", "bad", "none"]
"""State of a part; `none` if there is no data to judge it."""


@dataclass(frozen=True)
class Part:
    """One part of the flow.

    Attributes:
        state: health of the part.
        reason: why, as the key of a text.
        since: when the state began; None if unknown.
        numbers: the values that the text and the page show, as plain types.
    """

    state: State
    reason: str
    since: datetime | None = None
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for JSON; ``since`` is ISO 8601 in UTC."""
        since = self.since and self.since.astimezone(UTC).isoformat(timespec="milliseconds")
        return {**asdict(self), "since": since}


def read_sales(client: DruidClient, datasource: str, now: datetime) -> dict[str, Part]:
    """Return `cadence` and `freshness` of the sales in the look-back.

    If one cannot be judged, its reason is `failed`, and the other is judged as usual.

    Raises:
        DatasourceMissingError: nothing is ingested yet.
        DruidError: Druid does not answer, or refuses.
    """
    start, end = now - LOOKBACK, now + _MINUTE
    bounds = [int(moment.timestamp() * 1000) for moment in (start, end)]
    minutes = _ask(client, read_query(_MINUTES, datasource), bounds)
    judges: dict[str, Callable[[Mapping[str, Any] | None], Part]] = {
        "cadence": lambda gaps: cadence(gaps, minutes, now),
        "freshness": lambda newest: freshness(newest, minutes),
    }
    parts = {}
    for name, judge in judges.items():
        try:
            parts[name] = judge(_row(client, datasource, name))
        except OF_ALL:
            raise
        except Exception:
            log.exception("The part %r of the flow cannot be judged", name)
            parts[name] = Part("none", "failed", numbers={"part": name})
    return parts


def cadence(
    gaps: Mapping[str, Any] | None, minutes: Sequence[Mapping[str, Any]], now: datetime
) -> Part:
    """Judge the pauses between new sales, and count the sales per minute.

    `gaps` is the row of the check, `minutes` the rows of ``flow/minutes.sql``.
    """
    if not minutes:
        return Part("none", "no_sales")
    sold = {int(row["minute_start"]): int(row["sales"]) for row in minutes}
    this = int(now.replace(second=0, microsecond=0).timestamp()) * 1000
    step = int(_MINUTE.total_seconds()) * 1000
    # The first minute of the look-back and the current one are incomplete, so both are left out.
    whole = range(max(min(sold), this - int(LOOKBACK / _MINUTE - 1) * step), this, step)
    per_minute = [{"minute": minute, "sales": sold.get(minute, 0)} for minute in whole]
    numbers = {
        **(gaps or {}),
        "sales": sum(sold.values()),
        "per_minute": per_minute,
        "sales_per_minute": sum(it["sales"] for it in per_minute) / len(per_minute)
        if per_minute
        else None,
    }
    part = _judged("cadence", gaps, numbers, since=_moment(minutes[0]["first_at"]))
    return Part("none", "few_sales", part.since, numbers) if part.reason == "lacking" else part


def freshness(newest: Mapping[str, Any] | None, minutes: Sequence[Mapping[str, Any]]) -> Part:
    """Judge the age of the newest event.

    `newest` is the row of the check, `minutes` is as in `cadence`.
    """
    if not minutes:
        return Part("bad", "no_sales")
    return _judged("freshness", newest, dict(newest or {}), since=_moment(minutes[-1]["last_at"]))


def supervisor(status: Mapping[str, Any] | None) -> Part:
    """Judge the supervisor by its status report; None means that there is no supervisor."""
    if status is None:
        return Part("none", "no_supervisor")
    errors = [
        {
            "moment": error.get("timestamp"),
            "message": str(error.get("message", error))[:_ERROR_LENGTH],
        }
        for error in status.get("recentErrors", [])
    ]
    began = [str(task["startTime"]) for task in status["activeTasks"] if task.get("startTime")]
    numbers = {
        "state": status["state"],
        "detailed_state": status["detailedState"],
        "lag": status.get("aggregateLag"),
        "tasks": len(status["activeTasks"]),
        "errors": errors[-_ERRORS:],
    }
    if status["suspended"]:
        return Part("none", "suspended", numbers=numbers)
    since = _parsed(min(began, default=None))
    unhealthy = _judged("supervisor", status, numbers, since=_parsed(_first_error(errors)))
    if unhealthy.state != "good":
        return unhealthy
    if not began:
        return Part("attention", "no_tasks", numbers=numbers)
    # Druid reports no lag while the tasks start.
    late = _judged("ingestion_lag", status, numbers, since=since)
    return Part("good", "reading", since, numbers) if late.state in ("good", "none") else late


def equality(
    ledger: Mapping[Cell, Sums],
    druid: Mapping[Cell, Sums],
    in_flight: Collection[tuple[str, str]],
    before: Collection[str] = (),
) -> Part:
    """Judge whether Druid equals the ledger, minute by minute.

    `in_flight` is as in `include.druid.ledger.compare`. `before` holds the minutes that differed at
    the previous look. Only a minute that differs in both looks is bad, because the task that
    replaces another takes some seconds to show its rows again.
    """
    cells = {**ledger, **druid}
    minutes = sorted({cell.minuto for cell in cells})
    open_minutes = {cell.minuto for cell in cells if cell[:2] in in_flight}
    wrong = {cell.minuto for cell, *_ in differences(ledger, druid) if cell[:2] not in in_flight}
    rows = [
        {
            "minute": minute,
            "ledger": sum(sums.eventos for cell, sums in ledger.items() if cell.minuto == minute),
            "druid": sum(sums.eventos for cell, sums in druid.items() if cell.minuto == minute),
            "state": "differs"
            if minute in wrong
            else "open"
            if minute in open_minutes
            else "equal",
        }
        for minute in minutes
    ]
    states = [row["state"] for row in rows]
    numbers = {
        "minutes": rows,
        "equal": states.count("equal"),
        "differing": states.count("differs"),
        "open": states.count("open"),
    }
    if wrong:
        lasting = sorted(wrong.intersection(before))
        since = datetime.fromisoformat((lasting or sorted(wrong))[0])
        return Part("bad" if lasting else "attention", "differs", since, numbers)
    if not numbers["equal"]:
        return Part("none", "no_closed_minutes", numbers=numbers)
    return Part("good", "equal", datetime.fromisoformat(minutes[0]), numbers)


def _row(client: DruidClient, datasource: str, name: str) -> dict[str, Any] | None:
    query, parameters = checks()[name].statement(datasource, int(LOOKBACK / _MINUTE))
    return next(iter(_ask(client, query, parameters)), None)


def _ask(client: DruidClient, query: str, parameters: Sequence[int]) -> list[dict[str, Any]]:
    return client.sql(query, parameters, timeout=_TIMEOUT, context=QUERY_CONTEXT)


@cache
def checks() -> dict[str, Check]:
    return {check.name: check for check in load_checks()}


def _judged(
    name: str, row: Mapping[str, Any] | None, numbers: dict[str, Any], since: datetime | None
) -> Part:
    """Judge a row by a check's bounds; the reason is `lacking`, `within` or `beyond`."""
    check = checks()[name]
    if lacking := broken(check.needs, row or {}):
        return Part("none", "lacking", since, {**numbers, "limits": _limits(lacking, row)})
    if violated := broken(check.bounds, row or {}):
        state: State = "bad" if check.severity == "error" else "attention"
        return Part(state, "beyond", since, {**numbers, "limits": _limits(violated, row)})
    return Part("good", "within", since, numbers)


def _limits(bounds: Sequence[Bound], row: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [
        {**msgspec.structs.asdict(bound), "value": (row or {}).get(bound.column)}
        for bound in bounds
    ]


def _moment(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _parsed(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _first_error(errors: Sequence[Mapping[str, Any]]) -> str | None:
    return next((str(error["moment"]) for error in errors if error["moment"]), None)
