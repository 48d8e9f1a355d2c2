"""Rows that the findings' SQL returns, summed from events in memory.

The events are the page's, or simulated. A test on a real Druid compares the rows with Druid's.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from include.page.findings.report import Query
from include.page.findings.windows import goods_windows, payment_windows
from include.sales.event import ESTADOS
from include.sales.lifecycle import PENDING
from include.sales.local_time import HOUR_MS, epoch_ms
from include.sales.random_numbers import Ints

APPROVED, REJECTED, REFUNDED, CHARGED_BACK = (
    ESTADOS.index(state) for state in ("aprobada", "rechazada", "reembolsada", "contracargo")
)

SPARSE: Final = 4
"""Renumber the groups once there are this many possible groups per event."""

Numbers = npt.NDArray[np.integer[Any]]
"""Small numbers, in as few bytes as the events' source keeps them."""

Lists = dict[str, list[Any]]
"""The rows of a query, by column."""


class Events(Protocol):
    """Events in order of time; `product`, …, `platform` are positions in their names.

    `state` is a position in `ESTADOS`, any other number for a malformed event. `filled` is 1 if the
    back-fill made the event. Times are epoch milliseconds, money is in centavos.
    """

    @property
    def names(self) -> Mapping[str, Sequence[Any]]:
        """Names of `product`, `category`, `store`, `payment`, `issuer` and `platform`."""

    @property
    def ts(self) -> Ints: ...
    @property
    def state(self) -> Numbers: ...
    @property
    def product(self) -> Numbers: ...
    @property
    def category(self) -> Numbers: ...
    @property
    def store(self) -> Numbers: ...
    @property
    def payment(self) -> Numbers: ...
    @property
    def issuer(self) -> Numbers: ...
    @property
    def platform(self) -> Numbers: ...
    @property
    def importe(self) -> Ints: ...
    @property
    def descuento(self) -> Ints: ...
    @property
    def filled(self) -> Numbers: ...

    def only(self, kept: Any) -> Self:
        """Return the events that a mask or a list of positions selects."""


Kind = TypeVar("Kind", bound=Events)


def query_columns(events: Events, now: datetime) -> dict[Query, Lists]:
    """Return the rows that the findings' queries return for the events, by query and column."""
    goods = _within(events, goods_windows(now))
    return {
        "payments": _payment_rows(events, now),
        "products": _goods_rows(goods, now, goods.product, goods.names["product"]),
        "stores": _place_rows(goods, now, goods.store, goods.names["store"]),
        "categories": _goods_rows(
            goods,
            now,
            goods.category,
            goods.names["category"],
            {"reembolsadas": goods.state == REFUNDED, "contracargos": goods.state == CHARGED_BACK},
        ),
        "platforms": _place_rows(goods, now, goods.platform, goods.names["platform"]),
    }


def _payment_rows(events: Events, now: datetime) -> Lists:
    """Return the rows of ``findings/payments.sql`` for the events."""
    it = _within(events, payment_windows(now))
    hora = (epoch_ms(now) - 1 - it.ts) // HOUR_MS
    names = it.names
    begun, approved = it.state == PENDING, it.state == APPROVED
    return _grouped(
        {"hora": hora, "tipo_pago": it.payment, "emisor": it.issuer},
        {"tipo_pago": names["payment"], "emisor": names["issuer"]},
        {
            "ventas": begun,
            "con_descuento": begun & (it.descuento > 0),
            "rellenas": begun & (it.filled > 0),
            "aprobadas": approved,
            "rechazadas": it.state == REJECTED,
            "ingresos": it.importe * approved,
            "descuentos": it.descuento * approved,
        },
        {},
    )


def _place_rows(it: Events, now: datetime, column: Numbers, names: Sequence[Any]) -> Lists:
    """Return the rows of ``findings/places.sql`` by one column; the events are in its windows."""
    last = {"ultima": np.where(it.state == PENDING, it.ts, 0)}
    rows = _goods_rows(it, now, column, names, most=last)
    return {**rows, "ultima": [moment or None for moment in rows["ultima"]]}


def _goods_rows(
    it: Events,
    now: datetime,
    column: Numbers,
    names: Sequence[Any],
    sums: Mapping[str, Any] | None = None,
    most: Mapping[str, Ints] | None = None,
) -> Lists:
    """Return sales by day and one column, and more `sums`; the events are in the windows."""
    before = epoch_ms(now) - 1 - it.ts
    minute = before % (24 * HOUR_MS) // 60_000
    begun = it.state == PENDING
    return _grouped(
        {"dia": before // (24 * HOUR_MS), "nombre": column},
        {"nombre": names},
        {
            "ventas_15": begun & (minute < 15),
            "ventas_60": begun & (minute < 60),
            "ventas_180": begun,
            **(sums or {}),
        },
        most or {},
    )


def _within(events: Kind, windows: Sequence[int]) -> Kind:
    bounds = np.searchsorted(events.ts, windows).reshape(-1, 2)
    if (bounds[:, 1] - bounds[:, 0]).sum() == len(events.ts):
        return events
    return events.only(np.concatenate([np.arange(first, stop) for first, stop in bounds]))


def _grouped(
    keys: dict[str, Numbers],
    names: dict[str, Sequence[Any]],
    sums: Mapping[str, Any],
    most: Mapping[str, Ints],
) -> Lists:
    """Group as SQL's GROUP BY: a row for each combination of the keys' values that occurs."""
    sizes = [int(column.max(initial=0)) + 1 for column in keys.values()]
    group = np.ravel_multi_index(tuple(keys.values()), sizes)
    if math.prod(sizes) > SPARSE * (len(group) + 1_000):
        found, place = np.unique(group, return_inverse=True)
    else:
        found = np.flatnonzero(np.bincount(group))
        numbers = np.zeros(math.prod(sizes), dtype=np.int64)
        numbers[found] = np.arange(len(found))
        place = numbers[group]
    values = np.unravel_index(found, sizes)
    columns: Lists = {
        name: [names[name][at] for at in value.tolist()] if name in names else value.tolist()
        for name, value in zip(keys, values, strict=True)
    }
    for name, column in sums.items():
        chosen = np.flatnonzero(column)
        if column.dtype == bool:
            columns[name] = np.bincount(place[chosen], minlength=len(found)).tolist()
            continue
        total = np.zeros(len(found), dtype=np.int64)
        np.add.at(total, place[chosen], column[chosen])
        columns[name] = total.tolist()
    for name, column in most.items():
        chosen = np.flatnonzero(column)
        greatest = np.zeros(len(found), dtype=np.int64)
        np.maximum.at(greatest, place[chosen], column[chosen])
        columns[name] = greatest.tolist()
    return columns
