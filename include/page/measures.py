"""Measures of sales that a store owner reads, computed from counts and sums by state."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
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

    @property
    def decided(self) -> int:
        return self.approved + self.rejected

    @property
    def returns(self) -> int:
        return self.refunded + self.charged_back

    @property
    def approval(self) -> float | None:
        """The approved share of the decided sales."""
        return self.approved / self.decided if self.decided else None

    @property
    def ticket_centavos(self) -> float | None:
        """Mean amount of the approved sales."""
        return self.revenue_centavos / self.approved if self.approved else None


STATES: Final = {
    "pendiente": 0,
    "aprobada": 1,
    "rechazada": 2,
    "reembolsada": 3,
    "contracargo": 4,
}
"""Position in `Measures` of the number of events of each state."""

_INCOME: Final = 5
_MOST: Final = 2**63 - 1


def measures_by(
    rows: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Key]
) -> dict[Key, Measures]:
    """Return the measures of each key; a row has `estado`, `events` and `amount`.

    A malformed event without a valid state is not counted.
    """
    sums: dict[Key, list[int]] = {}
    for row in rows:
        found = sums.setdefault(key(row), [0] * len(Measures._fields))
        place = STATES.get(row["estado"])
        if place is not None:
            found[place] += row["events"]
        if row["estado"] == "aprobada":
            found[_INCOME] = within_64_bits(found[_INCOME] + (row["amount"] or 0))
    return {name: Measures(*found) for name, found in sums.items()}


def total(found: Collection[Measures]) -> Measures:
    if len(found) == 1:
        return next(iter(found))
    sums = (within_64_bits(sum(column)) for column in zip(*found, strict=True))
    return Measures(*sums)


def within_64_bits(amount: int) -> int:
    """Return a sum, or the nearest number of 64 bits: absurd amounts may add up to more.

    Druid's own sums stop there too, and JSON encoders accept no more.
    """
    return max(-_MOST, min(amount, _MOST))
