"""The findings' rows from the events in the page's memory, instead of from Druid.

The events of all windows are read once, whatever the filters; then a report costs Druid nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from include.page.events import Events, Numbers, join
from include.page.filters import Filters, Interval, floor_local
from include.page.findings.detection import queries
from include.page.findings.judge import judge
from include.page.findings.report import Report
from include.page.findings.rows import query_columns
from include.page.findings.windows import payment_windows
from include.page.measures import STATES
from include.page.shared_events import Run, SharedEvents
from include.sales.local_time import moment_of
from include.sales.random_numbers import Ints

MOST_EVENTS: Final = 3_000_000
"""Most events of the hours of all windows: with more, Druid sums them for each report."""

_HOUR: Final = timedelta(hours=1)

_FILLED: Final = "relleno"
"""Beginning of the names of the back-fill's runs, as in ``findings/payments.sql``."""


_COLUMNS: Final = {
    "product": "producto",
    "category": "categoria",
    "store": "sucursal",
    "payment": "tipo_pago",
    "issuer": "emisor",
    "platform": "plataforma",
}
"""Druid's column of each column of `EventColumns`."""


class EventColumns(NamedTuple):
    """Events as `rows.Events` describes them."""

    names: Mapping[str, Sequence[Any]]
    ts: Ints
    state: Numbers
    product: Numbers
    category: Numbers
    store: Numbers
    payment: Numbers
    issuer: Numbers
    platform: Numbers
    importe: Ints
    descuento: Ints
    filled: Numbers

    def only(self, kept: Any) -> "EventColumns":
        return EventColumns(self.names, *(column[kept] for column in self[1:]))


class Windows(NamedTuple):
    """The events of all windows before a moment, in order, and their columns."""

    events: Events
    columns: EventColumns


def read_windows(
    events: SharedEvents,
    now: datetime,
    run: Run,
    executor: Executor,
    rest: Callable[[float], None] | None = None,
) -> Windows | None:
    """Return the windows before `now`; None if their events cannot be in memory.

    `rest` is called after each hour, with the seconds that its reading took.

    Raises the errors that concern Druid as a whole.
    """
    hours = list(_hours(now))
    count = events.count(hours, now, run, executor)
    if count is None or count > MOST_EVENTS:
        return None
    found: list[Events] = []
    for hour in hours:
        began = time.monotonic()
        # One at a time: a viewer's look may need the same hours, and must not wait for all.
        [part] = events.read([hour], now, run, executor, MOST_EVENTS)
        if rest:
            rest(time.monotonic() - began)
        if part is None:
            return None
        found.append(part)
    all_events = join(found[0].codes, found)
    return Windows(all_events, _columns(all_events))


def _hours(now: datetime) -> Iterator[Interval]:
    """Yield the parts of all windows before `now`, in order, none longer than an hour."""
    bounds = [moment_of(moment) for moment in sorted(payment_windows(now))]
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        while start < end:
            stop = min(floor_local(start, _HOUR) + _HOUR, end)
            yield Interval(start, stop)
            start = stop


def detect_in_memory(windows: Windows, datasource: str, filters: Filters, now: datetime) -> Report:
    """Report what `detect` reports at `now`, from the windows before `now`."""
    events, columns = windows
    if filters.columns:
        columns = columns.only(events.chosen(filters.columns))
    report = judge(query_columns(columns, now), now)
    return replace(report, queries=queries(datasource, filters, now))


def _columns(events: Events) -> EventColumns:
    codes, coded = events.codes, events.coded
    runs = codes.all_values("corrida")
    filled = np.array([str(run).startswith(_FILLED) for run in runs] or [False], dtype=np.int16)
    states = codes.places("estado", STATES, len(STATES)).astype(np.int16)
    return EventColumns(
        names={name: codes.all_values(column) for name, column in _COLUMNS.items()},
        ts=events.moments,
        state=states[coded["estado"]],
        importe=events.amounts,
        descuento=events.discounts,
        filled=filled[coded["corrida"]],
        **{name: coded[column] for name, column in _COLUMNS.items()},
    )
