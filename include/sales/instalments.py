"""Choose the number of instalments of credit card sales, by channel, amount and programme."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from include.sales.amounts import AmountBands
from include.sales.conditional_shares import fit, shares_table
from include.sales.market import Market
from include.sales.random_numbers import Choice, Floats, Ints


class Instalments:
    """Probabilities of the numbers of instalments, one table per period with the same programmes.

    A number that no programme offers on a day is not chosen: its share goes to the other numbers,
    in proportion.
    """

    def __init__(
        self,
        market: Market,
        places: Sequence[tuple[str, ...]],
        bands: AmountBands,
        credit: Floats,
    ) -> None:
        """Take `places`, the conditions of the shares, and `credit`, the share of sales that are
        paid by credit card, (places, bands)."""
        options = sorted({row.cuotas for row in market.instalments})
        self.counts: Ints = np.array(options)
        programmes = market.instalment_programmes
        begins = (row.desde for row in programmes if row.desde)
        ends = (row.hasta + timedelta(days=1) for row in programmes if row.hasta)
        self._starts = sorted({date.min, *begins, *ends})
        self._conditions = credit.size

        tilt = bands.factors(
            {(str(row.cuotas), row.tramo): row.factor for row in market.instalment_amounts},
            [str(count) for count in options],
        )
        shares = shares_table(market.instalments, places, options)
        table = np.array(
            [fit(tilt, *pair) for pair in zip(shares, credit[..., np.newaxis], strict=True)]
        )
        periods = []
        for start in self._starts:
            offered = {1, *(row.cuotas for row in programmes if row.in_force(start))}
            periods.append(table * [count in offered for count in options])
        self.choice = Choice(np.array(periods).reshape(-1, len(options)))
        """Conditions are numbered `condition(day) + place * bands + band`."""

    def condition(self, day: date) -> int:
        """Return the number of the first condition of `choice` on a day."""
        return (sum(start <= day for start in self._starts) - 1) * self._conditions
