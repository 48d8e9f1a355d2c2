"""Answer for the page «Ventas»: all its sections for one time range.

A record may hold anything, so a single value may make a query or a section fail. That section is
then empty and named in `failed`; the other sections are not affected.
"""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, Final, Generic, NamedTuple, TypeVar

from include.druid.client import DruidClient, DruidError
from include.druid.queries import read_query
from include.page.clean_values import clean_rows
from include.page.events import Codes, Events, Rows
from include.page.filters import COLUMNS, Filters, Interval, floor_local
from include.page.measures import Measures, measures_by, total
from include.page.outage_errors import OF_ALL
from include.page.whole_hours import period, sums
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

MOST_EVENTS: Final = 40_000
"""Most events of a query whose rows are kept in memory and shared by all viewers.

With more events, Druid computes the sums for each viewer."""


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

EVENT: Final = ("id_evento", "id_venta", "cantidad", "importe_centavos", "motivo", *CODED)
"""Columns of single events: those of the list of the latest events, too."""

_COLUMNS: Final = {**GROUPS, "states": ("estado",), "events": EVENT, "latest": EVENT}
"""Columns of each query."""

_SQL: Final = Path(__file__).with_name("sql") / "overview"
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Once(Generic[T]):
    """Cache of at most `most` answers: each is computed once, and the least recently used goes.

    A failed answer is computed again at the next request.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._answers: dict[Hashable, Future[T]] = {}

    def ask(self, key: Hashable, ask: Callable[[], "Future[T]"]) -> "Future[T]":
        """Return the answer of a cache key, finished or running, or start it with `ask`."""
        with self._lock:
            found = self._answers.pop(key, None)
            if found is None or (found.done() and found.exception()):
                found = ask()
            self._answers[key] = found
            while len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]
            return found


class Memory:
    """Caches shared by all viewers: the earlier intervals compared with, and the recent events.

    The earlier intervals begin and end at whole minutes, so a page that is refreshed every second
    queries them once a minute.
    """

    def __init__(self) -> None:
        self.past: Once[Rows] = Once(200)
        self.events: Once[Events | None] = Once(6)
        self.recent: Once[Events] = Once(4)
        self.codes = Codes(CODED)


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
    buckets = {"series": bucket}
    where, values = filters.where()

    def run(name: str, interval: Interval, **words: str) -> Rows:
        columns = ", ".join(_COLUMNS[name])
        file = name if name in ("series", "events", "latest") else "sums"
        text = read_query(_SQL / f"{file}.sql", datasource)
        for word, value in {"columns": columns, **words}.items():
            text = text.replace(f"{{{word}}}", value)
        known = values if "{where}" in text else []
        text = text.replace("{where}", where)
        if name not in ("events", "latest"):
            return clean_rows(sums(druid, text, interval, known, timeout=TIMEOUT))
        rows = druid.sql(text, [*interval.parameters, *known], timeout=TIMEOUT)
        # Events are cleaned while they are encoded, once per distinct value: rows are many, values
        # few.
        return rows if name == "events" else clean_rows(rows)

    def ask(name: str, interval: Interval, **words: str) -> "Future[Rows]":
        return executor.submit(run, name, interval, **words)

    def ask_once(name: str, interval: Interval) -> "Future[Rows]":
        return memory.past.ask((name, interval, filters.values), lambda: ask(name, interval))

    def read(interval: Interval) -> Events | None:
        rows = run("events", interval, most=str(MOST_EVENTS))
        return memory.codes.encode(rows) if len(rows) < MOST_EVENTS else None

    def read_once(interval: Interval) -> "Future[Events | None]":
        return memory.events.ask(interval, lambda: executor.submit(read, interval))

    products_before = ask_once("products", before)
    states_yesterday = ask_once("states", yesterday) if yesterday else None
    events = _recent(current, read_once, memory) if filters.is_live else None
    if events:
        found = events.where(memory.codes, filters.columns)
        rows = {
            name: _tried(partial(found.grouped, GROUPS[name], buckets.get(name))) for name in GROUPS
        }
        rows["latest"] = _tried(lambda: clean_rows(found.latest(LATEST)))
    else:
        rows = {name: ask(name, current) for name in ("payments", "places", "products", "latest")}
        rows["series"] = ask("series", current, period=period(bucket))
    made = _Sections()
    answer = {
        "start": current.parameters[0],
        "end": current.parameters[1],
        "bucket_seconds": round(bucket.total_seconds()),
        "origin": epoch_ms(floor_local(current.end, bucket)),
        "totals": {
            "current": made.figures("current", rows["series"]),
            "before": made.figures("before", products_before),
            "yesterday": made.figures("yesterday", states_yesterday) if states_yesterday else None,
        },
        "series": made.rows("series", lambda: _series(rows["series"].result(), bucket)),
        **{name: made.rows(name, partial(_shares, rows, its)) for name, its in SHARES.items()},
        "issuers": made.rows("issuers", lambda: _issuers(rows["payments"].result())),
        "instalments": made.rows("instalments", lambda: _instalments(rows["payments"].result())),
        **_changes(made, rows["products"], products_before),
        "latest": made.rows("latest", rows["latest"].result),
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

    def figures(self, name: str, rows: "Future[Rows]") -> dict[str, int] | None:
        """Return the measures of all rows, None if that fails; raises as `_section`."""
        return self._section(name, lambda: total(rows.result())._asdict())

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


def _recent(
    interval: Interval, read: Callable[[Interval], "Future[Events | None]"], memory: Memory
) -> Events | None:
    """Return all events of an interval that ends now, whatever the filters.

    Returns None if they are too many, or if Druid or this page cannot read them.

    Events from before the previous minute are queried once a minute, newer events at each look. A
    sale that arrives too late for the second query appears within a minute.
    """
    whole = interval.to_the_minute()
    since = whole.end - _MINUTE
    parts = [read(Interval(whole.start, since)), read(Interval(since, interval.end))]
    try:
        earlier, later = (part.result() for part in parts)
    except OF_ALL:
        raise
    except Exception as error:
        text = "The events cannot be read one by one, so Druid sums them: %s"
        log.warning(text, error, exc_info=not isinstance(error, DruidError))
        return None
    if earlier is None or later is None:
        return None
    return memory.recent.ask(
        interval, lambda: _done((earlier + later).between(*interval.parameters))
    ).result()


def _done(answer: T) -> "Future[T]":
    future: Future[T] = Future()
    future.set_result(answer)
    return future


def _tried(make: Callable[[], T]) -> "Future[T]":
    """Call `make`; return a future with its result or its error."""
    future: Future[T] = Future()
    try:
        future.set_result(make())
    except Exception as error:  # noqa: BLE001 - raised wherever the answer is asked for
        future.set_exception(error)
    return future


def _series(rows: Rows, bucket: timedelta) -> Rows:
    points = measures_by(
        rows, lambda row: floor_local(datetime.fromisoformat(row["moment"]), bucket)
    )
    return [{"moment": epoch_ms(at), **points[at]._asdict()} for at in sorted(points)]


def _shares(rows: Mapping[str, "Future[Rows]"], its: Shares) -> Rows:
    return _by(rows[its.query].result(), its.column)[: its.most]


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


def _changes(made: _Sections, rows: "Future[Rows]", rows_before: "Future[Rows]") -> dict[str, Rows]:
    def changes() -> Rows:
        now, before = (
            {name: found.sales for name, found in measures_by(answer.result(), _product).items()}
            for answer in (rows, rows_before)
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
