"""Answer for the page «Ventas»: all its sections for one time range.

A record may hold anything, so a single value may make a query or a section fail. That section is
then empty and named in `failed`; the other sections are not affected.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from include.page.shared_events import MOST_EVENTS, Run, SharedEvents
from include.page.whole_hours import Part, parts, period
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

IN_MEMORY: Final = timedelta(hours=6)
"""Length of the longest range that is summed from the events in memory.

Of a longer range, Druid sums the whole hours."""

_Sums = Mapping[tuple[Any, ...], Measures]
"""Measures by the values of some columns."""

_Asked = Callable[..., _Sums]
"""Return the measures of a query in `GROUPS` by the columns that follow."""


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

_NAMES: Final = tuple(dict.fromkeys((*COLUMNS.values(), *chain(*GROUPS.values()))))

CODED: Final = (*_NAMES, "corrida")
"""Columns that events in memory are filtered and grouped by, here or for the findings."""

_OF_FINDINGS: Final = ("descuento_centavos", "corrida")
"""Columns of events in memory that this page does not show."""

_LATEST: Final = ("id_evento", "id_venta", "cantidad", "motivo", "importe_centavos", *_NAMES)

_COLUMNS: Final = {
    **GROUPS,
    "states": ("estado",),
    "counted": ("importe_centavos", *_NAMES, *_OF_FINDINGS),
    "events": (*_LATEST, *_OF_FINDINGS),
    "latest": _LATEST,
}
"""Columns of each query that has a list of columns."""

_FILES: Final = {
    **dict.fromkeys(("payments", "places", "products", "states"), "sums"),
    "counted": "events",
}
"""File of each query whose file has another name."""

_SQL: Final = Path(__file__).with_name("sql") / "overview"
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Memory:
    """Caches shared by all viewers: Druid's sums of whole minutes, for a minute, and the events."""

    def __init__(self) -> None:
        self.sums: Once[Rows] = Once(150)
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
    minute = floor_local(now, _MINUTE)

    def run(name: str, part: Part) -> Rows:
        text = _text(name, datasource).replace("{period}", period(bucket))
        return clean_rows(part.ask(druid, text.replace("{where}", where), values, timeout=TIMEOUT))

    def ask(name: str, part: Part) -> "Future[Rows]":
        if part.interval != part.interval.to_the_minute():
            return executor.submit(run, name, part)
        key = (name, part.interval, filters.values, minute)
        return memory.sums.ask(key, lambda: executor.submit(run, name, part))

    def split(interval: Interval | None) -> list[Part]:
        if not interval:
            return []
        return parts(interval, IN_MEMORY) if filters.hasta is None else parts(interval)

    def begin(interval: Interval | None, queries: Iterable[str]) -> _Asked:
        """Begin to sum an interval, from the events in memory and by Druid."""
        found: list[Events | Mapping[str, Future[Rows]]] = []
        for part in split(interval):
            if part.interval in events:
                found.append(events[part.interval])
                continue
            # Many events: Druid has sums of the whole hours of a closed day.
            pieces = parts(part.interval, _HOUR) if filters.hasta is None else [part]
            found += [{name: ask(name, piece) for name in queries} for piece in pieces]
        return cache(partial(_summed, found, bucket))

    # The latest events of a long range are mostly of the last hour.
    last = Interval(max(current.start, current.end - _HOUR), current.end)
    events: dict[Interval, Events] = {}
    if filters.hasta is None:
        split_up = [*split(current), *split(before), *split(yesterday)]
        wanted = [last, *(part.interval for part in split_up if not part.context)]
        read = memory.events.read(wanted, now, event_queries(druid, datasource), executor)
        events = {
            interval: found.where(filters.columns)
            for interval, found in zip(wanted, read, strict=True)
            if found
        }
    listed = events[last].latest(LATEST) if last in events else None
    if listed is None or (len(listed) < LATEST and last != current):
        latest = ask("latest", Part(current))
    else:
        latest = done(
            clean_rows(
                [{name: row[name] for name in row if name not in _OF_FINDINGS} for row in listed]
            )
        )
    sums = begin(current, GROUPS)
    sums_before = begin(before, ["products"])
    sums_yesterday = begin(yesterday, ["states"])
    made = _Sections()
    answer = {
        "start": current.parameters[0],
        "end": current.parameters[1],
        "bucket_seconds": round(bucket.total_seconds()),
        "origin": epoch_ms(floor_local(current.end, bucket)),
        "totals": {
            "current": made.figures("current", lambda: sums("series")),
            "before": made.figures("before", lambda: sums_before("products", "producto")),
            "yesterday": (
                made.figures("yesterday", lambda: sums_yesterday("states", "estado"))
                if yesterday
                else None
            ),
        },
        "series": made.rows("series", lambda: _series(sums("series"))),
        **{name: made.rows(name, partial(_shares, sums, its)) for name, its in SHARES.items()},
        "issuers": made.rows("issuers", lambda: _issuers(sums("payments", "tipo_pago", "emisor"))),
        "instalments": made.rows(
            "instalments", lambda: _instalments(sums("payments", "tipo_pago", "cuotas"))
        ),
        **_changes(made, sums, sums_before),
        "latest": made.rows("latest", latest.result),
    }
    made.raise_if_nothing_is()
    return {**answer, "failed": made.failed}


def _summed(
    parts: Sequence[Events | Mapping[str, "Future[Rows]"]],
    bucket: timedelta,
    query: str,
    *columns: str,
) -> _Sums:
    """Return the measures by these columns, and by the chart's points for the query of a series.

    Each part of an interval has its events, or Druid's rows by query.
    """

    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        if query == "series":
            return (epoch_ms(floor_local(datetime.fromisoformat(row["moment"]), bucket)),)
        return tuple(row[column] for column in columns)

    found = [
        part.measures(columns, bucket if query == "series" else None)
        if isinstance(part, Events)
        else measures_by(part[query].result(), key)
        for part in parts
    ]
    if len(found) == 1:
        return found[0]
    groups: dict[tuple[Any, ...], list[Measures]] = {}
    for name, measures in chain.from_iterable(its.items() for its in found):
        groups.setdefault(name, []).append(measures)
    return {name: total(of_group) for name, of_group in groups.items()}


def event_queries(druid: DruidClient, datasource: str) -> Run:
    """Return the queries of `SharedEvents`."""

    def run(name: str, part: Part) -> Rows:
        # Events are cleaned while they are encoded, once per distinct value: rows are many, values
        # few.
        text = _text(name, datasource).replace("{most}", str(MOST_EVENTS))
        return part.ask(druid, text, [], timeout=TIMEOUT)

    return run


def _text(query: str, datasource: str) -> str:
    text = read_query(_SQL / f"{_FILES.get(query, query)}.sql", datasource)
    return text.replace("{columns}", ", ".join(_COLUMNS.get(query, ())))


class _Sections:
    """Builds the sections of an answer one by one, and collects the names of those that fail."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self._made = 0
        self._refusal: DruidError | None = None

    def rows(self, name: str, make: Callable[[], Rows]) -> Rows:
        """Return the rows of a section, [] if it fails; raises as `_section`."""
        return self._section(name, make) or []

    def figures(self, name: str, sums: Callable[[], _Sums]) -> dict[str, int] | None:
        """Return the measures of all groups, None if that fails; raises as `_section`."""
        return self._section(name, lambda: total(sums().values())._asdict())

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


def _series(sums: _Sums) -> Rows:
    return [{"moment": moment, **sums[moment,]._asdict()} for (moment,) in sorted(sums)]


def _shares(sums: _Asked, its: Shares) -> Rows:
    found = _largest(sums(its.query, its.column))[: its.most]
    return [{"name": name, **measures._asdict()} for (name,), measures in found]


def _issuers(sums: _Sums) -> Rows:
    with_issuer = {key: measures for key, measures in sums.items() if key[1]}
    return [
        {"payment": kind, "name": issuer, **measures._asdict()}
        for (kind, issuer), measures in _largest(with_issuer)[:LISTED]
    ]


def _instalments(sums: _Sums) -> Rows:
    """Return the measures of each number of instalments; a missing number comes last."""
    of_credit = {key: measures for key, measures in sums.items() if key[0] == "credito"}
    found = [
        {"name": number, **measures._asdict()}
        for (_, number), measures in _largest(of_credit)[:SHOWN]
    ]
    return sorted(found, key=lambda row: (row["name"] is None, row["name"] or 0))


def _changes(made: _Sections, sums: _Asked, sums_before: _Asked) -> dict[str, Rows]:
    def changes() -> Rows:
        now, before = (
            {name: found.sales for (name,), found in asked("products", "producto").items()}
            for asked in (sums, sums_before)
        )
        return changed(now, before)

    found = made.rows("changes", changes)
    return {
        "rising": [change for change in found if change["sales"] > change["before"]][:6],
        "falling": [change for change in reversed(found) if change["sales"] < change["before"]][:6],
    }


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


def _largest(sums: _Sums) -> Sequence[tuple[tuple[Any, ...], Measures]]:
    return sorted(sums.items(), key=lambda item: (-item[1].sales, -item[1].approved, str(item[0])))
