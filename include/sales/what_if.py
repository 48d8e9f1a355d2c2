"""Answer «¿Qué habría pasado?»: the sums of a run's sales with and without some of its incidents.

Both sides have the same seed, stores, numbers of sales, moments and end; only the incidents differ.
A sale that an incident prevents has its moment, too, because the other side has the sale. All sums
are whole numbers over the same events that a run publishes and its ledger counts. So the difference
between the two sides is exactly the difference between the ledgers of two such runs.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from include.sales.content import SaleSource
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS
from include.sales.incident_tables import SUBJECT_COLUMNS
from include.sales.incidents import values_of
from include.sales.lifecycle import STEPS, is_return, steps_of
from include.sales.random_numbers import BLOCK, Ints
from include.sales.sums import Sums

FIELDS: Final = ("sucursal", "producto", "tipo_pago")
"""Fields of the event by whose values the sums are divided."""

_MEASURES: Final = Sums.__struct_fields__


class Period(NamedTuple):
    """When the sales of a run begin, and which of their events it publishes."""

    moments: Ints
    """Epoch milliseconds at which sales 0, 1, … begin, or would begin without an incident."""
    until: int
    """The end, in epoch milliseconds."""
    all_decided: bool
    """Whether only the returns that are due after the end are left out, as in a live window.

    Otherwise no event is later than the end, as in a load and a back-fill."""


class Figures(msgspec.Struct, frozen=True):
    """Key figures of some sales; money in centavos."""

    sales: int
    """Sales begun."""
    approved: int
    units: int
    """Units of the approved sales, as the next two are their amount and their discount."""
    revenue_centavos: int
    discount_centavos: int
    returned_centavos: int
    """Amount of the refunds and chargebacks."""


class Pair(msgspec.Struct, frozen=True):
    """Figures with and without some of a run's incidents; `value` is that of a field."""

    value: str
    planted: Figures
    without: Figures

    @property
    def change_centavos(self) -> int:
        """Revenue with the incidents, less revenue without them."""
        return self.planted.revenue_centavos - self.without.revenue_centavos


class Comparison(msgspec.Struct, frozen=True):
    """A run with and without some of its incidents."""

    total: Pair
    fields: dict[str, list[Pair]]
    """For each of `FIELDS` the values that differ, the greatest change of revenue first."""


ByField = dict[str, Ints]
"""For each of `FIELDS` an array (its values, `ESTADOS`, the fields of `Sums`)."""


def sums_of_run(source: SaleSource, period: Period) -> ByField:
    """Sum the events of a run, with the incidents of `source`."""
    sizes = {field: len(values_of(source.market, source.stores, field)) for field in FIELDS}
    sums = {
        field: np.zeros((len(_MEASURES), size * len(ESTADOS)), dtype=np.int64)
        for field, size in sizes.items()
    }
    for first in range(0, len(period.moments), BLOCK):
        ts = period.moments[first : first + BLOCK]
        padded = np.pad(ts, (0, BLOCK - len(ts)), mode="edge")
        columns = source.columns(first // BLOCK, padded)
        drawn = Drawn(*(column[: len(ts)] for column in columns))
        steps = steps_of(drawn, ts)
        due = steps.ts < period.until
        if period.all_decided:
            due[:, : STEPS - 1] = True
        sale, step = np.nonzero(steps.happens & due)
        state = steps.state[sale, step]
        measures = [
            np.ones(len(sale), dtype=np.int64),
            *(
                column[sale]
                for column in (
                    drawn.cantidad,
                    drawn.importe_centavos,
                    drawn.iva_centavos,
                    drawn.descuento_centavos,
                )
            ),
        ]
        for field, rows in sums.items():
            cell = getattr(drawn, SUBJECT_COLUMNS[field])[sale] * len(ESTADOS) + state
            for row, measure in zip(rows, measures, strict=True):
                np.add.at(row, cell, measure)
    return {
        field: rows.T.reshape(sizes[field], len(ESTADOS), len(_MEASURES))
        for field, rows in sums.items()
    }


def by_state(sums: ByField) -> dict[str, Sums]:
    """Return the sums of all sales by state, as the ledger has them: no state without events."""
    rows = sums[FIELDS[0]].sum(axis=0).tolist()
    found = {state: Sums(*row) for state, row in zip(ESTADOS, rows, strict=True)}
    return {state: it for state, it in found.items() if it.eventos}


def compare(source: SaleSource, planted: ByField, without: ByField) -> Comparison:
    """Compare two results of `sums_of_run` for the same run with different incidents."""
    fields = {}
    for field in FIELDS:
        names = values_of(source.market, source.stores, field)
        differ = np.flatnonzero((planted[field] != without[field]).any(axis=(1, 2))).tolist()
        pairs = [_pair(names[i], planted[field][i], without[field][i]) for i in differ]
        fields[field] = sorted(pairs, key=lambda pair: -abs(pair.change_centavos))
    totals = (it[FIELDS[0]].sum(axis=0) for it in (planted, without))
    return Comparison(_pair("", *totals), fields)


def _pair(value: str, planted: Ints, without: Ints) -> Pair:
    return Pair(value, _figures(planted), _figures(without))


def _figures(sums: Ints) -> Figures:
    """Return the figures of sums (`ESTADOS`, the fields of `Sums`)."""
    cells = dict(zip(ESTADOS, (Sums(*row) for row in sums.tolist()), strict=True))
    approved = cells["aprobada"]
    return Figures(
        sales=cells["pendiente"].eventos,
        approved=approved.eventos,
        units=approved.unidades,
        revenue_centavos=approved.importe_centavos,
        discount_centavos=approved.descuento_centavos,
        returned_centavos=sum(
            cells[state].importe_centavos for state in ESTADOS if is_return(state)
        ),
    )
