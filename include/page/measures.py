"""Measures of sales that a store owner reads, computed from counts and sums by state."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Measures(NamedTuple):
    """Counts of events by state, and the amount of the approved ones.

    Attributes:
        sales: sales begun; each sale begins as ``pendiente``.
        revenue_centavos: amount of the approved sales.
    """

    sales: int = 0
    approved: int = 0
    rejected: int = 0
    refunded: int = 0
    charged_back: int = 0
    revenue_centavos: int = 0


_PLACES: Final = {
    "pendiente": 0,
    "aprobada": 1,
    "rechazada": 2,
    "reembolsada": 3,
    "contracargo": 4,
}
_INCOME: Final = 5
_MOST: Final = 2**63 - 1


def measures_by(
    rows: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Key]
) -> dict[Key, Measures]:
    """Return the measures of each key; a row has `estado`, `events` and `amount`.

    A malformed event without a valid state is not counted. A sum of absurd amounts stops at the
    limit of 64 bits, as Druid's own sums do, because JSON encoders accept no more.
    """
    sums: dict[Key, list[int]] = {}
    for row in rows:
        found = sums.setdefault(key(row), [0] * len(Measures._fields))
        place = _PLACES.get(row["estado"])
        if place is not None:
            found[place] += row["events"]
        if row["estado"] == "aprobada":
            income = found[_INCOME] + (row["amount"] or 0)
            found[_INCOME] = max(-_MOST, min(income, _MOST))
    return {name: Measures(*found) for name, found in sums.items()}


def total(rows: Iterable[Mapping[str, Any]]) -> Measures:
    return measures_by(rows, lambda _: None).get(None, Measures())
