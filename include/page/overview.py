"""Answer for the page «Ventas»: all its sections for one time range.

A record may hold anything, so a single value may make a query or a section fail. That section is
then empty and named in `failed`; the other sections are not affected.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from include.druid.client import DruidClient, DruidError
from include.druid.queries import read_query
from include.page.clean_values import clean_rows
from include.page.events import Codes, Events, Rows
from include.page.filters import COLUMNS, Filters, Interval, floor_local
from include.page.measures import Measures, measures_by, total
from include.page.once import Once, done
from include.page.outage_errors import OF_ALL
from include.page.shared_events import MOST_EVENTS, SharedEvents
from include.page.whole_hours import sums
from include.sales.local_time import epoch_ms

log = logging.getLogger(__name__)

T = TypeVar("T")

SHOWN: Final = 12
"""Most products, stores and similar names in a list."""

LISTED: Final = 50
"""Most names in the lists from which the page itself selects, such as provinces."""

FEWEST: Final = 8
"""Least sales of a product, in both intervals together, to list it as rising or falling."""

TIMEOUT: Final = 10.0
"""Seconds that Druid may take for one of the queries."""

LATEST: Final = 25
"""Events in the list of the latest events."""

_Asked = Callable[..., Rows]
"""Return a query's rows, grouped by some columns, perhaps by others too, and by the state."""


class Shares(NamedTuple):
    """A section of the answer: the sales by the value of a column, the largest first.

    Attributes:
        query: key in `GROUPS` of the query whose rows have the column.
        column: Druid's column.
        most: most values.
    """

    query: str
    column: str
    most: int = SHOWN


SHARES: Final[Mapping[str, Shares]] = {
    "payments": Shares("payments", "tipo_pago"),
    "provinces": Shares("places", "provincia", LISTED),
    "stores": Shares("places", "sucursal"),
    "platforms": Shares("places", "plataforma"),
    "categories": Shares("products", "categoria", LISTED),
    "products": Shares("products", "producto"),
}
"""Such sections by their name in the answer."""


def _columns(query: str, *others: str) -> Sequence[str]:
    return (*(its.column for its in SHARES.values() if its.query == query), *others, "estado")


GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "series": ("estado",),
    "payments": _columns("payments", "emisor", "cuotas"),
    "places": _columns("places"),
    "products": _columns("products"),
}
"""Columns that each query groups by; "series" also groups by the chart's points."""

CODED: Final = tuple(dict.fromkeys((*COLUMNS.values(), *chain(*GROUPS.values()))))
"""Columns that events in memory are filtered and grouped by."""

_COUNTED: Final = ("importe_centavos", *CODED)
_LISTED: Final = ("id_evento", "id_venta", "cantidad", "motivo", *_COUNTED)

_COLUMNS: Final = {
    **GROUPS,
    "states": ("estado",),
    "counted": _COUNTED,
    "events": _LISTED,
    "latest": _LISTED,
}
"""Columns of each query that has a list of columns."""

_FILES: Final = {
    **dict.fromkeys(("payments", "places", "products", "states"), "sums"),
    "counted": "events",
}
"""File of each query whose file has another name."""

_SQL: Final = Path(__file__).with_name("sql") / "overview"
_DAY = timedelta(days=1)


class Memory:
    """Caches shared by all viewers: the earlier intervals compared with, and the events.

    The earlier intervals begin and end at whole minutes, so a page that is refreshed every few
    seconds queries them once a minute.
    """

    def __init__(self) -> None:
        self.past: Once[Rows] = Once(200)
        self.events = SharedEvents(Codes(CODED))


def overview(
    druid: DruidClient,
    datasource: str,
    filters: Filters,
    now: datetime,
    executor: Executor,
    memory: Memory,
) -> dict[str, Any]:
    """Return what the page shows, ready for JSON: money in centavos, moments in epoch milliseconds.

    `bucket_seconds` is the length of a chart's point, and `origin` the start of one point.
    `failed` names the sections that failed. The queries run in parallel on `executor`.

    Raises:
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, is too slow, or refuses every section.
    """
    current = filters.interval(now)
    before = current.shifted(-filters.range.length).to_the_minute()
    yesterday = current.shifted(-_DAY).to_the_minute() if filters.range.day_before else None
    bucket = filters.range.bucket
    where, values = filters.where()

    def run(name: str, interval: Interval, **words: str) -> Rows:
        file = _FILES.get(name, name)
        text = read_query(_SQL / f"{file}.sql", datasource)
        words = {"columns": ", ".join(_COLUMNS.get(name, ())), "most": str(MOST_EVENTS), **words}
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        known = values if "{where}" in text else []
        text = text.replace("{where}", where)
        if file in ("events", "latest"):
            rows = druid.sql(text, [*interval.parameters, *known], timeout=TIMEOUT)
        else:
            rows = sums(druid, text, interval, known, timeout=TIMEOUT)
        # Events are cleaned while they are encoded, once per distinct value: rows are many, values
        # few.
        return rows if file == "events" else clean_rows(rows)

    def ask(name: str, interval: Interval, **words: str) -> "Future[Rows]":
        return executor.submit(run, name, interval, **words)

    def ask_once(name: str, interval: Interval) -> "Future[Rows]":
        return memory.past.ask((name, interval, filters.values), lambda: ask(name, interval))

    def rows_of(events: Events | None, ask: Callable[[], Mapping[str, "Future[Rows]"]]) -> _Asked:
        if events is None:
            answers = ask()
            return lambda query, *_: answers[query].result()

        @cache
        def grouped(query: str, *columns: str) -> Rows:
            return events.grouped((*columns, "estado"), bucket if query == "series" else None)

        return grouped

    def ask_current() -> Mapping[str, "Future[Rows]"]:
        sections = {name: ask(name, current) for name in GROUPS if name != "series"}
        return {**sections, "series": ask("series", current, period=_iso_period(bucket))}

    intervals = [current, before, *([yesterday] if yesterday else [])]
    events: list[Events | None] = [None] * len(intervals)
    if filters.is_live:
        events = [
            found and found.where(filters.columns)
            for found in memory.events.read(intervals, now, run, executor)
        ]
    listed = events[0].latest(LATEST) if events[0] else None
    latest = ask("latest", current) if listed is None else done(clean_rows(listed))
    rows = rows_of(events[0], ask_current)
    rows_before = rows_of(events[1], lambda: {"products": ask_once("products", before)})
    rows_yesterday = (
        rows_of(events[2], lambda: {"states": ask_once("states", yesterday)}) if yesterday else None
    )
    made = _Sections()
    answer = {
        "start": current.parameters[0],
        "end": current.parameters[1],
        "bucket_seconds": round(bucket.total_seconds()),
        "origin": epoch_ms(floor_local(current.end, bucket)),
        "totals": {
            "current": made.figures("current", lambda: rows("series")),
            "before": made.figures("before", lambda: rows_before("products", "producto")),
            "yesterday": (
                made.figures("yesterday", lambda: rows_yesterday("states"))
                if rows_yesterday
                else None
            ),
        },
        "series": made.rows("series", lambda: _series(rows("series"), bucket)),
        **{name: made.rows(name, partial(_shares, rows, its)) for name, its in SHARES.items()},
        "issuers": made.rows("issuers", lambda: _issuers(rows("payments", "tipo_pago", "emisor"))),
        "instalments": made.rows(
            "instalments", lambda: _instalments(rows("payments", "tipo_pago", "cuotas"))
        ),
        **_changes(made, rows, rows_before),
        "latest": made.rows("latest", latest.result),
    }
    made.raise_if_nothing_is()
    return {**answer, "failed": made.failed}


class _Sections:
    """Builds the sections of an answer one by one, and collects the names of those that fail."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self._made = 0
        self._refusal: DruidError | None = None

    def rows(self, name: str, make: Callable[[], Rows]) -> Rows:
        """Return the rows of a section, [] if it fails; raises as `_section`."""
        return self._section(name, make) or []

    def figures(self, name: str, rows: Callable[[], Rows]) -> dict[str, int] | None:
        """Return the measures of all rows, None if that fails; raises as `_section`."""
        return self._section(name, lambda: total(rows())._asdict())

    def _section(self, name: str, make: Callable[[], T]) -> T | None:
        """Return the result of `make`; None, with a log entry, if only this section fails.

        Raises errors that concern the whole page, such as a Druid that does not answer.
        """
        try:
            found = make()
        except OF_ALL:
            raise
        except DruidError as error:
            log.warning("Druid refused a query of section %r of the live page: %s", name, error)
            self.failed.append(name)
            self._refusal = error
            return None
        except Exception:
            log.exception("The section %r of the live page cannot be computed", name)
            self.failed.append(name)
            return None
        self._made += 1
        return found

    def raise_if_nothing_is(self) -> None:
        """Raise Druid's last refusal if no section could be built."""
        if self._refusal and not self._made:
            raise self._refusal


def _series(rows: Rows, bucket: timedelta) -> Rows:
    points = measures_by(
        rows, lambda row: floor_local(datetime.fromisoformat(row["moment"]), bucket)
    )
    return [{"moment": epoch_ms(at), **points[at]._asdict()} for at in sorted(points)]


def _shares(rows: _Asked, its: Shares) -> Rows:
    return _by(rows(its.query, its.column), its.column)[: its.most]


def _issuers(rows: Rows) -> Rows:
    with_issuer = [row for row in rows if row["emisor"]]
    by_issuer = measures_by(with_issuer, lambda row: (row["tipo_pago"], row["emisor"]))
    return [
        {"payment": kind, "name": issuer, **found._asdict()}
        for (kind, issuer), found in _largest(by_issuer)[:LISTED]
    ]


def _instalments(rows: Rows) -> Rows:
    """Return the measures of each number of instalments; a missing number comes last."""
    found = _by([row for row in rows if row["tipo_pago"] == "credito"], "cuotas")[:SHOWN]
    return sorted(found, key=lambda row: (row["name"] is None, row["name"] or 0))


def _changes(made: _Sections, rows: _Asked, rows_before: _Asked) -> dict[str, Rows]:
    def changes() -> Rows:
        now, before = (
            {
                name: found.sales
                for name, found in measures_by(asked("products", "producto"), _product).items()
            }
            for asked in (rows, rows_before)
        )
        return changed(now, before)

    found = made.rows("changes", changes)
    return {
        "rising": [change for change in found if change["sales"] > change["before"]][:6],
        "falling": [change for change in reversed(found) if change["sales"] < change["before"]][:6],
    }


def _product(row: Mapping[str, Any]) -> Any:
    return row["producto"]


def changed(
    now: Mapping[str | None, int], before: Mapping[str | None, int]
) -> list[dict[str, Any]]:
    """Return products in the order of how much their sales changed, the strongest rise first.

    None is a product without a known name.

    The order is by the difference of two Poisson counts in standard deviations, (a - b)/√(a + b):
    4 sales against 2 say little, 400 against 200 say much. It is only an order; the findings tell
    which changes are more than chance.
    """
    names = [
        name
        for name in now.keys() | before.keys()
        if now.get(name, 0) + before.get(name, 0) >= FEWEST
    ]

    def strength(name: str | None) -> float:
        a, b = now.get(name, 0), before.get(name, 0)
        return float((a - b) / (a + b) ** 0.5)

    if not before:
        return []
    return [
        {"name": name, "sales": now.get(name, 0), "before": before.get(name, 0)}
        for name in sorted(names, key=lambda name: (-strength(name), name or ""))
    ]


def _by(rows: Rows, column: str) -> Rows:
    """Return the measures of each value of a column, the largest first; None is unknown."""
    found = measures_by(rows, lambda row: row[column])
    return [{"name": name, **measured._asdict()} for name, measured in _largest(found)]


def _largest(found: Mapping[Any, Measures]) -> Sequence[tuple[Any, Measures]]:
    return sorted(found.items(), key=lambda item: (-item[1].sales, -item[1].approved, str(item)))


def _iso_period(bucket: timedelta) -> str:
    """Return a point's length as Druid's ISO period, at most an hour.

    Points of local days are later summed from hours.
    """
    minutes = min(bucket, timedelta(hours=1)) // timedelta(minutes=1)
    return f"PT{minutes}M" if minutes < 60 else "PT1H"
