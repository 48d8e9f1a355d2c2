"""The known calendar: holidays, events such as CyberMonday, seasons, and the sales they bring."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Final, Self

import numpy as np

from include.sales.demand import Demand
from include.sales.local_time import dia_index
from include.sales.market import Market, load_market
from include.sales.random_numbers import Floats

NOTABLE: Final = 1.5
"""Least factor of an event that makes its days unlike others; the inverse for events with fewer
sales. Weaker effects, such as those of pay days, are within the usual variation of shares."""


class Calendar:
    """The calendar of a market."""

    def __init__(self, market: Market) -> None:
        self._effects = [
            effect
            for effect in (*market.events, *market.recurring)
            if not 1 / NOTABLE < effect.factor < NOTABLE
        ]
        self._provinces = {row.code for row in market.provinces}
        self._demand = Demand(market)
        self.category_of = {row.producto: row.categoria for row in market.products}
        months: dict[str, Floats] = defaultdict(lambda: np.ones(12))
        for season in market.seasons:
            months[season.temporada][season.mes - 1] = season.factor
        self._seasons = {row.producto: months[row.temporada] for row in market.products}
        for category in {*self.category_of.values()}:
            own = [row for row in market.products if row.categoria == category]
            factors = [months[row.temporada] for row in own]
            # The sales of a category's products are about inverse to their ranks.
            self._seasons[category] = np.average(
                factors, axis=0, weights=[1 / row.rank for row in own]
            )

    @classmethod
    @cache
    def known(cls) -> Self:
        """Return the calendar of the project's market; it is read at the first call."""
        return cls(load_market())

    def kind(self, day: date) -> tuple[int, bool, frozenset[str]]:
        """Return weekday, Saturday or Sunday; whether it is a national holiday; notable events."""
        holiday = self._provinces <= self._demand.on_holiday(day)
        return (
            dia_index(day),
            holiday,
            frozenset(effect.evento for effect in self._effects if effect.on(day)),
        )

    def seasons(self, names: Sequence[str], days: Sequence[date]) -> Floats:
        """Return the factors of products' or categories' sales on some days (names, days)."""
        usual = np.ones(12)
        factors = np.array([self._seasons.get(name, usual) for name in names]).reshape(-1, 12)
        return factors[:, [day.month - 1 for day in days]]

    def expected(self, start: datetime, end: datetime) -> float:
        """Return the sales expected in [start, end) at a mean of one a second."""
        return self._demand.expected(start, end)
