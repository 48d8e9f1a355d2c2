"""Rows that the findings' SQL returns, summed from events in memory.

The events are the page's, or simulated. A test on a real Druid compares the rows with Druid's.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, Self, TypeVar

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


class _Groups(NamedTuple):
    """Groups of events, as SQL's GROUP BY makes them.

    Attributes:
        columns: the values that the events of a group share, by column.
        place: position of each event's group.
        size: number of groups.
    """

    columns: Lists
    place: Ints
    size: int

    def counts(self, kind: Numbers, kinds: int) -> list[Ints]:
        """Return the number of events of each kind, from 0 to below `kinds`, by group."""
        counts = np.bincount(self.place * kinds + kind, minlength=self.size * kinds)
        return list(counts.reshape(self.size, kinds).T)

    def sums(self, chosen: Ints, values: Ints) -> list[int]:
        """Return the sum of the values of the chosen events by group."""
        found = np.zeros(self.size, dtype=np.int64)
        np.add.at(found, self.place[chosen], values[chosen])
        return found.tolist()


class _Goods(NamedTuple):
    """Days before the moment of a look, and kinds of the events in the windows of goods."""

    dia: Ints
    kind: Numbers


#: Kinds of `_Goods`: sales of the last 15 minutes, of the 45 before, and older ones; then others.
_SALES, _OTHERS, _REFUNDED, _CHARGED_BACK = range(3), 3, 4, 5
_KINDS: Final = 6


def query_columns(events: Events, now: datetime) -> dict[Query, Lists]:
    """Return the rows that the findings' queries return for the events, by query and column."""
    it = _within(events, goods_windows(now))
    goods = _goods(it, now)
    return {
        "payments": _payment_rows(events, now),
        "products": _goods_rows(goods, it.product, it.names["product"]),
        "stores": _place_rows(goods, it, it.store, it.names["store"]),
        "categories": _goods_rows(goods, it.category, it.names["category"], returns=True),
        "platforms": _place_rows(goods, it, it.platform, it.names["platform"]),
    }


def _payment_rows(events: Events, now: datetime) -> Lists:
    """Return the rows of ``findings/payments.sql`` for the events."""
    it = _within(events, payment_windows(now))
    hora = (epoch_ms(now) - 1 - it.ts) // HOUR_MS
    keys = {"hora": hora, "tipo_pago": it.payment, "emisor": it.issuer}
    groups = _groups(keys, {"tipo_pago": it.names["payment"], "emisor": it.names["issuer"]})
    # Kinds 0 to 3 are sales: 1 is with a discount, 2 back-filled, 3 both.
    sale = (it.descuento > 0) + 2 * (it.filled > 0).astype(np.int8)
    approved, rejected = it.state == APPROVED, it.state == REJECTED
    kind = np.select([it.state == PENDING, approved, rejected], [sale, 4, 5], 6)
    plain, reduced, filled, both, taken, refused, _ = groups.counts(kind, 7)
    chosen = np.flatnonzero(approved)
    return {
        **groups.columns,
        "ventas": (plain + reduced + filled + both).tolist(),
        "con_descuento": (reduced + both).tolist(),
        "rellenas": (filled + both).tolist(),
        "aprobadas": taken.tolist(),
        "rechazadas": refused.tolist(),
        "ingresos": groups.sums(chosen, it.importe),
        "descuentos": groups.sums(chosen, it.descuento),
    }


def _goods(it: Events, now: datetime) -> _Goods:
    before = epoch_ms(now) - 1 - it.ts
    dia = before // (24 * HOUR_MS)
    minute = (before - dia * (24 * HOUR_MS)) // 60_000
    sale = (minute >= 15).astype(np.int8) + (minute >= 60)
    states = [it.state == state for state in (PENDING, REFUNDED, CHARGED_BACK)]
    return _Goods(dia, np.select(states, [sale, _REFUNDED, _CHARGED_BACK], _OTHERS))


def _goods_rows(
    goods: _Goods, column: Numbers, names: Sequence[Any], *, returns: bool = False
) -> Lists:
    """Return sales by day and one column, and, if asked, the returns."""
    return _sales(*_goods_groups(goods, column, names), returns=returns)


def _place_rows(goods: _Goods, it: Events, column: Numbers, names: Sequence[Any]) -> Lists:
    """Return the rows of ``findings/places.sql`` by one column."""
    groups, counts = _goods_groups(goods, column, names)
    sales = np.flatnonzero(it.state == PENDING)
    last = np.zeros(groups.size, dtype=np.int64)
    # The events of a group are in order, and the last one stays.
    last[groups.place[sales]] = it.ts[sales]
    return {**_sales(groups, counts), "ultima": [moment or None for moment in last.tolist()]}


def _goods_groups(
    goods: _Goods, column: Numbers, names: Sequence[Any]
) -> tuple[_Groups, list[Ints]]:
    groups = _groups({"dia": goods.dia, "nombre": column}, {"nombre": names})
    return groups, groups.counts(goods.kind, _KINDS)


def _sales(groups: _Groups, counts: list[Ints], *, returns: bool = False) -> Lists:
    last_15, to_60, older = (counts[kind] for kind in _SALES)
    found = {
        **groups.columns,
        "ventas_15": last_15.tolist(),
        "ventas_60": (last_15 + to_60).tolist(),
        "ventas_180": (last_15 + to_60 + older).tolist(),
    }
    if returns:
        found["reembolsadas"] = counts[_REFUNDED].tolist()
        found["contracargos"] = counts[_CHARGED_BACK].tolist()
    return found


def _within(events: Kind, windows: Sequence[int]) -> Kind:
    bounds = np.searchsorted(events.ts, windows).reshape(-1, 2)
    if (bounds[:, 1] - bounds[:, 0]).sum() == len(events.ts):
        return events
    return events.only(np.concatenate([np.arange(first, stop) for first, stop in bounds]))


def _groups(keys: Mapping[str, Numbers], names: Mapping[str, Sequence[Any]]) -> _Groups:
    """Group events by their keys; a key is a value, or a position in its `names`."""
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
    return _Groups(columns, place, len(found))
