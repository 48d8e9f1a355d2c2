"""Questions to «Explorar»: a measure of the sales, split by one or two dimensions.

`MEASURES` and `DIMENSIONS` are all that a viewer may ask for, by their names in the address.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from include.page.filters import COLUMNS, Filters, parse_filters
from include.page.measures import Measures
from include.sales.event import Estado
from include.texts import InputError

Unit = Literal["count", "money", "share"]
Kind = Literal["value", "number", "moment", "hour", "weekday"]


class Measure(NamedTuple):
    """A measure of the sales.

    Attributes:
        unit: how the page writes it; money is in centavos.
        states: states of the events that it needs.
        value: its value; None if there is none.
        base: number of sales that the value is a mean of; None for a sum.
        column: Druid's column that is summed, as `revenue_centavos` of the approved sales.
    """

    unit: Unit
    states: tuple[Estado, ...]
    value: Callable[[Measures], float | None]
    base: Callable[[Measures], int] | None = None
    column: str = "importe_centavos"


def _summed(of: Measures) -> int:
    return of.revenue_centavos


MEASURES: Final[Mapping[str, Measure]] = {
    "ventas": Measure("count", ("pendiente",), lambda of: of.sales),
    "facturacion": Measure("money", ("aprobada",), _summed),
    "ticket": Measure(
        "money", ("aprobada",), lambda of: of.ticket_centavos, lambda of: of.approved
    ),
    "aprobacion": Measure(
        "share", ("aprobada", "rechazada"), lambda of: of.approval, lambda of: of.decided
    ),
    "descuento": Measure("money", ("aprobada",), _summed, column="descuento_centavos"),
    "unidades": Measure("count", ("aprobada",), _summed, column="cantidad"),
    "devoluciones": Measure("count", ("reembolsada", "contracargo"), lambda of: of.returns),
}


class Dimension(NamedTuple):
    """A dimension of the sales: a column's values, points in time, or hours or days of the week.

    Attributes:
        kind: values are shown in the order of their sales, all others in their own.
        column: Druid's column of values.
        step: length of a point in time; None for that of the range's charts.
        is_large: whether Druid sums up its smaller values if there are two splits.
    """

    kind: Kind
    column: str = ""
    step: timedelta | None = None
    is_large: bool = False


_LARGE: Final = ("sucursal", "ciudad", "producto")

DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "tiempo": Dimension("moment"),
    "hora": Dimension("moment", step=timedelta(hours=1)),
    "dia": Dimension("moment", step=timedelta(days=1)),
    "hora_del_dia": Dimension("hour"),
    "dia_de_semana": Dimension("weekday"),
    **{
        name: Dimension("value", column, is_large=name in _LARGE)
        for name, column in {**COLUMNS, "ciudad": "ciudad"}.items()
    },
    "cuotas": Dimension("number", "cuotas"),
}

AGAINST: Final = ("anterior", "semana")
"""Comparisons of a range: with the range before, or with the same weekdays before."""

DEFAULT_MEASURE: Final = "facturacion"
DEFAULT_DIMENSION: Final = "categoria"

_NAMES: Final = ("medida", "por", "y", "contra")
_MOMENTS: Final = [name for name, its in DIMENSIONS.items() if its.kind == "moment"]
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Split:
    """A viewer's question; names are keys of `MEASURES` and `DIMENSIONS`, or in `AGAINST`."""

    filters: Filters
    measure: str = DEFAULT_MEASURE
    by: tuple[str, ...] = (DEFAULT_DIMENSION,)
    against: str = ""

    @property
    def shift(self) -> timedelta | None:
        """Time from the earlier range to this one; whole weeks for the same weekdays."""
        length = self.filters.range.length
        if self.against == "semana":
            return -(-length // _WEEK) * _WEEK
        return length if self.against else None


def parse_split(parameters: Mapping[str, str]) -> Split:
    """Read the parameters of a URL: `medida`, `por`, `y`, `contra`, and those of `parse_filters`.

    Raises:
        InputError: a parameter is unknown or has an invalid value.
    """
    measure, first, second, against = (parameters.get(name, "") for name in _NAMES)
    by = (first or DEFAULT_DIMENSION, *filter(None, [second]))
    given = [("measure", measure, MEASURES), ("against", against, AGAINST)]
    for key, name, known in [*given, *(("dimension", name, DIMENSIONS) for name in by)]:
        if name and name not in known:
            told = {"name": repr(name[:40]), "known": ", ".join(known)}
            raise InputError(f"page_refusal.explore.{key}", **told)
    if len({*by}) < len(by):
        raise InputError("page_refusal.explore.twice", name=repr(second))
    if second and {*by} <= {*_MOMENTS}:
        raise InputError("page_refusal.explore.moments", known=", ".join(_MOMENTS))
    others = {name: value for name, value in parameters.items() if name not in _NAMES}
    return Split(parse_filters(others), measure or DEFAULT_MEASURE, by, against)
