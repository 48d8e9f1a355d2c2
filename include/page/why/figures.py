"""Key figures that the page explains, each as a chain of sums.

A figure is a product of factors: the first sum is a number of sales, and each further sum is the
one before it by a rate. So revenue = decided sales × approval × units of a sale × list price of a
unit × part that is left after discounts. A ratio is the last sum by the first one: the ticket is
revenue / approved sales.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Name = Literal["sales", "income", "ticket", "approval", "refunds", "chargebacks"]
Rate = Literal["approval", "units", "price", "discount", "returns"]
Effect = Literal["volume", "mix", "approval", "units", "price", "discount", "returns"]
Column = Literal[
    "sales",
    "decided",
    "approved",
    "units",
    "listed",
    "revenue",
    "refunded",
    "charged_back",
    "discounted",
    "squares",
]
"""Sums of a range. Of the approved sales: `listed` is their amount without discounts, `discounted`
their number with a discount, `squares` the squares of their units; money in centavos."""


class Figure(NamedTuple):
    """A key figure.

    Attributes:
        columns: the sums of the chain.
        rates: for each sum but the first, its proportion to the sum before it.
        is_ratio: whether the figure is the last sum by the first one.
    """

    columns: tuple[Column, ...]
    rates: tuple[Rate, ...] = ()
    is_ratio: bool = False

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Effects that a change is split into; only a figure with rates depends on the mix."""
        volume: tuple[Effect, ...] = () if self.is_ratio else ("volume",)
        return (*volume, "mix", *self.rates) if self.rates else volume

    def value(self, sums: Mapping[Column, int]) -> float | None:
        """Return the figure; None for a ratio of no sales."""
        first, last = sums[self.columns[0]], sums[self.columns[-1]]
        if not self.is_ratio:
            return last
        return last / first if first else None


_MONEY: Final[tuple[Column, ...]] = ("approved", "units", "listed", "revenue")
_PRICES: Final[tuple[Rate, ...]] = ("units", "price", "discount")

FIGURES: Final[Mapping[Name, Figure]] = {
    "sales": Figure(("sales",)),
    "income": Figure(("decided", *_MONEY), ("approval", *_PRICES)),
    "ticket": Figure(_MONEY, _PRICES, is_ratio=True),
    "approval": Figure(("decided", "approved"), ("approval",), is_ratio=True),
    "refunds": Figure(("sales", "refunded"), ("returns",)),
    "chargebacks": Figure(("sales", "charged_back"), ("returns",)),
}
