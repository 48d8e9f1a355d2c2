"""The known calendar: holidays and events such as CyberMonday, and the sales expected on them."""

from datetime import date, datetime
from functools import cache
from typing import Final, Self

from include.sales.demand import Demand
from include.sales.local_time import dia_index
from include.sales.market import Market, load_market

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

    def expected(self, start: datetime, end: datetime) -> float:
        """Return the sales expected in [start, end) at a mean of one a second."""
        return self._demand.expected(start, end)
