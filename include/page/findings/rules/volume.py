"""Volume: all sales of the hour fell, in proportion to what the calendar lets expect.

The calendar knows weekday, hour, holiday and event. The hour is compared with this hour of earlier
days of this kind. The calendar counts only if sales have this curve: there must also be fewer sales
than on each of these days.
"""

from datetime import timedelta
from typing import Final

import numpy as np

from include.page.findings.calendar import Calendar
from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import LEVEL, Judged, Rule, significant
from include.page.findings.shares import Shares
from include.page.findings.tables_of_look import SUMMED, LookTables
from include.sales.local_time import epoch_ms, moment_of

FEWER: Final = 0.1
"""Least part by which the hour's sales must be below those of each earlier day, to be unusual."""

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_CHANCES: Final = 100
"""Chances of a sale for each sale in the largest hour: with many, a count of sales is the share of
the chances that became one, and varies as a Poisson number does."""


def _judge(tables: LookTables) -> Judged | Missing:
    """Judge all sales of the last hour, in proportion to what the calendar lets expect.

    Sales after the last one are not expected, since the stream may have stopped; and without sales
    before the hour, the stream has only begun. Back-filled hours are compared with back-filled ones
    only, because a window has its own pace.
    """
    sums = {name: tables.ways.cells[name].sum(axis=0) for name in SUMMED}
    sales, hours = sums["ventas"], tables.hours
    is_filled = 2 * sums["rellenas"] > sales
    columns = {day: hours.index(24 * day) for day in (0, *tables.kind_days)}
    days = [day for day in columns if is_filled[columns[day]] == is_filled[0]]
    if len(days) < 2:
        return Missing("volume", "pace" if tables.kind_days else "kind")
    k = sales[[columns[day] for day in days]]
    if not (k[0] and sales[hours.index(1)]):
        return Judged("volume", [], 0)
    ends = int(tables.places("stores", []).cells["ultima"].max(initial=0)) + 1
    last = moment_of(min(ends, epoch_ms(tables.now)))
    begins = tables.now - _HOUR
    spans = [(begins, last), *((begins - _DAY * day, tables.now - _DAY * day) for day in days[1:])]
    due = np.array([Calendar.known().expected(*span) for span in spans])
    chances = np.rint(_CHANCES * k.max() * due / due.max()).astype(np.int64)
    shares = Shares.of_all(k[np.newaxis], chances[np.newaxis])
    p = float(shares.tails(low=True, most=LEVEL)[0])
    lasted = (last - begins) / _HOUR
    if not significant(np.array([p])) or k[0] >= (1 - FEWER) * lasted * k[1:].min():
        return Judged("volume", [], 1)
    numbers = shares.numbers(0, p, 60)
    usual, lost = numbers["usual"], numbers["expected"] - numbers["k"]
    finding = Finding(
        kind="volume",
        severity="high",
        text="down",
        action="down",
        subject={},
        numbers={
            **numbers,
            # Of the expected sales, not of the chances.
            **{name: numbers[name] / usual for name in ("share", "usual", "low", "high")},
            **{name: round(numbers[name] * usual) for name in ("n", "base_n")},
            "lost": lost,
            "lost_centavos": lost * float(sums["ingresos"].sum() / sales.sum()),
        },
        query="payments",
    )
    return Judged("volume", [finding], 1)


RULE = Rule(_judge, ("stores",))
