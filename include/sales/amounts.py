"""Bands of sale amounts, before discounts: the payment choices depend on the band."""

from collections.abc import Mapping, Sequence

import numpy as np

from include.sales.catalogue import Catalogue
from include.sales.demand import channel_shares
from include.sales.market import Market
from include.sales.random_numbers import Floats, Ints


class AmountBands:
    """The amount bands of a market."""

    def __init__(self, market: Market, catalogue: Catalogue) -> None:
        rows = sorted(market.amount_bands, key=lambda row: row.desde)
        self.names = [row.tramo for row in rows]
        self._starts: Ints = np.array([row.desde * 100 for row in rows])
        self.sales, self.value = self._spread(market, catalogue)
        """Share of all sales (`sales`: of their count, `value`: of their value), (places, bands).

        The number of a place is `group * channels + channel`.
        """

    def of(self, centavos: Ints) -> Ints:
        """Return the position in `names` of each amount's band."""
        return np.searchsorted(self._starts, centavos, side="right") - 1

    def factors(self, factors: Mapping[tuple[str, str], float], options: Sequence[str]) -> Floats:
        """Return factors by (option, band) as an array (bands, options); a missing one is 1."""
        return np.array(
            [[factors.get((option, name), 1.0) for option in options] for name in self.names]
        )

    def _spread(self, market: Market, catalogue: Catalogue) -> tuple[Floats, Floats]:
        units = np.arange(1, catalogue.unit_shares.shape[1] + 1)
        amounts = np.multiply.outer(catalogue.price, units)
        count = catalogue.shares[:, np.newaxis] * catalogue.unit_shares[catalogue.category_of]
        where = (
            np.broadcast_to(catalogue.group_of[:, np.newaxis], amounts.shape),
            self.of(amounts),
        )
        channels = channel_shares(market)
        channels = channels / channels.sum(axis=1, keepdims=True)
        spread = []
        for weight in (count, count * amounts):
            by_group = np.zeros((len(market.groups), len(self.names)))
            np.add.at(by_group, where, weight)
            by_place = channels[..., np.newaxis] * by_group[:, np.newaxis]
            spread.append(by_place.reshape(-1, len(self.names)))
        return spread[0], spread[1]
