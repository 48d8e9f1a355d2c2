"""Tables of a look's rows, each summed when a rule first needs it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from include.page.clean_values import clean
from include.page.findings.calendar import Calendar
from include.page.findings.report import Query
from include.page.findings.tables import Coded, Columns, Table, coded, named
from include.page.findings.windows import DAYS, HOURS, RECENT, STRETCHES, same_kind
from include.sales.random_numbers import Ints

LONGEST: Final = STRETCHES[-1]
"""Minutes of the longest stretch."""

RETURNS: Final = {"reembolsada": "reembolsadas", "contracargo": "contracargos"}
"""State of a return, and the column that counts it."""

SUMMED: Final = (
    *("ventas", "con_descuento", "rellenas"),
    *("aprobadas", "rechazadas", "ingresos", "descuentos"),
)
_SOLD: Final = tuple(f"ventas_{minutes}" for minutes in STRETCHES)

Way = tuple[str, str]
"""A payment type with an issuer, or with "" for all its issuers."""


class LookTables:
    """Tables of the rows of a look's queries."""

    def __init__(self, rows: Mapping[Query, Columns], now: datetime) -> None:
        self.rows = rows
        self.hours = (*range(RECENT), *(24 * day + hour for day in DAYS for hour in range(HOURS)))
        self.now = now
        self._coded: dict[Query, Coded[str]] = {}
        self._by_day: dict[tuple[Query, Sequence[str], tuple[int, ...]], Table[str]] = {}

    @cached_property
    def ways(self) -> Table[Way]:
        rows = self.rows["payments"]
        values = zip(rows["tipo_pago"], rows["emisor"], strict=True)
        return coded(rows, values, "hora", _way).table(self.hours, SUMMED)

    @cached_property
    def sold(self) -> list[int]:
        return _sold(self.ways, self.hours)

    @cached_property
    def kind_days(self) -> list[int]:
        return same_kind(self.now, self.sold)

    @cached_property
    def like_days(self) -> list[int]:
        """Days of today's kind that have the same holiday or events."""
        return same_kind(self.now, self.sold, Calendar.known().kind)

    def goods(self, query: Query) -> Table[str]:
        return named(self._table(query, _SOLD, self.like_days))

    @cached_property
    def categories(self) -> Table[str]:
        columns = (*RETURNS.values(), f"ventas_{LONGEST}")
        return named(self._table("categories", columns, self.kind_days))

    def places(self, query: Query, days: Sequence[int]) -> Table[str]:
        """Sales by store or platform; sales without one are under the name ""."""
        return self._table(query, (*_SOLD, "ultima"), days)

    def sales(self, days: Sequence[int]) -> dict[int, Ints]:
        """Return all sales of each stretch, today and on some days."""
        cells = self.places("stores", days).cells
        return {minutes: cells[f"ventas_{minutes}"].sum(axis=0) for minutes in STRETCHES}

    def _table(self, query: Query, columns: Sequence[str], days: Sequence[int]) -> Table[str]:
        """Sum the rows of today and of some days; it is computed once for all kinds."""
        key = (query, columns, tuple(days))
        if key not in self._by_day:
            if query not in self._coded:
                rows = self.rows[query]
                self._coded[query] = coded(rows, rows["nombre"], "dia", _name)
            self._by_day[key] = self._coded[query].table((0, *days), columns)
        return self._by_day[key]


def _sold(ways: Table[Way], hours: Sequence[int]) -> list[int]:
    """Return the earlier days that had sales in each hour that has sales now.

    On the other days the stream stood still for a part of the time, so their sums are too low.
    """
    sales = ways.cells["ventas"].sum(axis=0) > 0
    now = [hour for hour in range(HOURS) if sales[hours.index(hour)]]
    return [day for day in DAYS if now and all(sales[hours.index(24 * day + hour)] for hour in now)]


def _name(value: object) -> str:
    return "" if value is None else str(clean(value))


def _way(value: tuple[object, object]) -> Way:
    return _name(value[0]), _name(value[1])
