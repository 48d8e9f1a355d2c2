"""Choose the percent that bank and wallet promotions take off a payment, by weekday and date."""

from datetime import date, timedelta

import numpy as np

from include.sales.event import TIPOS_PAGO
from include.sales.market import Market
from include.sales.payment_tables import Promotion
from include.sales.random_numbers import Choice, Floats, Ints
from include.sales.tables import CHANNELS

_OPEN_END = date.max


class Promotions:
    """Probabilities of the promotions, one table per period with the same promotions."""

    def __init__(self, market: Market, issuers: list[str]) -> None:
        self._groups = [row.grupo for row in market.groups]
        self._issuers = issuers
        self._promotions = market.promotions
        self.percents: Ints = np.array([0, *sorted({row.percent for row in market.promotions})])
        """The options of `choice`: percent off; 0 means no promotion."""
        ends = (row.hasta for row in market.promotions if row.hasta)
        self._starts = sorted(
            {
                date.min,
                *(row.desde for row in market.promotions),
                *(day + timedelta(days=1) for day in ends),
            }
        )
        table = np.array([[self.on(day, weekday) for weekday in range(7)] for day in self._starts])
        self._shape = table.shape[2:-1]
        self.choice = Choice(table.reshape(-1, len(self.percents)))

    def on(self, day: date, weekday: int) -> Floats:
        """Return the probabilities on a weekday of the promotions that are in force on a day.

        The result is an array (payment types, issuers, groups, channels, percents).
        """
        shape = (len(TIPOS_PAGO), len(self._issuers), len(self._groups), len(CHANNELS))
        table = np.zeros((*shape, len(self.percents)))
        table[..., 0] = 1.0
        for row in self._promotions:
            if row.weekday == weekday and row.desde <= day <= (row.hasta or _OPEN_END):
                own = table[self._where(row)]
                reached = own[..., 0] * row.alcance / 100
                own[..., 0] -= reached
                own[..., list(self.percents).index(row.percent)] += reached
                table[self._where(row)] = own
        return table

    def condition(self, day: date) -> int:
        """Return the first condition of `choice` on a day; add `within` for that of a payment."""
        period = sum(start <= day for start in self._starts) - 1
        return (period * 7 + day.weekday()) * int(np.prod(self._shape))

    def within(self, payment: Ints, issuer: Ints, group: Ints, channel: Ints) -> Ints:
        """Return the distance of each payment's condition from the day's first condition."""
        _, issuers, groups, channels = self._shape
        place: Ints = ((payment * issuers + issuer) * groups + group) * channels + channel
        return place

    def _where(self, row: Promotion) -> tuple[int | slice, ...]:
        def part(options: list[str], value: str) -> int | slice:
            return options.index(value) if value else slice(None)

        return (
            TIPOS_PAGO.index(row.tipo_pago),
            part(self._issuers, row.emisor),
            part(self._groups, row.grupo),
            part(list(CHANNELS), row.canal),
        )
