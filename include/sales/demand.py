"""The demand curve: sales per second of all stores in each hour, by group and channel.

It is a pure function of the data files and of the country's public holidays, which the `holidays`
package has. It is constant within a local hour, the resolution of the data. Its mean over
`REFERENCE_YEAR` is 1, and the mean of each group and channel is its share in the data. So `scale`
is the mean rate of the year, in sales per second.
"""

from datetime import date, datetime
from typing import Final

import holidays
import numpy as np

from include.sales.calendar_tables import DIAS, HourWeight
from include.sales.local_time import HOUR_MS, day_of, dia_index, epoch_ms, first_hour, hours_of
from include.sales.market import Market
from include.sales.random_numbers import Floats
from include.sales.tables import CHANNELS, applicable

REFERENCE_YEAR: Final = 2026


class Demand:
    """The demand curve of a market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._groups = [row.grupo for row in market.groups]
        self._hours = np.array([_spread(market.hours, dia) for dia in DIAS])
        self._days: dict[date, Floats] = {}
        self._national = holidays.country_holidays("AR")
        self._everywhere = frozenset(row.code for row in market.provinces)
        self._provincial: dict[date, set[str]] = {}
        for row in market.province_holidays:
            self._provincial.setdefault(row.fecha, set()).add(row.province)
        self._base = np.ones((len(self._groups), len(CHANNELS)))
        base = channel_shares(market) / self.hourly(REFERENCE_YEAR).mean(axis=0)
        self._days.clear()
        self._base = base

    def expected(self, start: datetime, end: datetime, scale: float = 1.0) -> float:
        """Return the expected number of sales in [start, end): the integral of the curve.

        `scale` is the mean of the reference year in sales per second.
        """
        begin, stop = epoch_ms(start), epoch_ms(end)
        total = 0.0
        for opens in range(begin - begin % HOUR_MS, stop, HOUR_MS):
            inside = min(stop, opens + HOUR_MS) - max(begin, opens)
            total += float(self.at(hours_of(opens)).sum()) * inside / 1000
        return scale * total

    def at(self, hour: int) -> Floats:
        """Return the rates of a local hour (as in `local_time`), an array (groups, channels)."""
        rates: Floats = self._day(day_of(hour))[hour % 24]
        return rates

    def hourly(self, year: int) -> Floats:
        """Return the rates of all hours of a local year, an array (hours, groups, channels)."""
        first, end = (first_hour(date(y, 1, 1)) for y in (year, year + 1))
        return np.concatenate([self._day(day_of(hour)) for hour in range(first, end, 24)])

    def on_holiday(self, day: date) -> frozenset[str]:
        """Return the codes of the provinces with a public holiday on that day."""
        if day in self._national:
            return self._everywhere
        return frozenset(self._provincial.get(day, ()))

    def holiday_factor(self, channel: str) -> float:
        """Return a channel's sales in a province on its holiday, relative to no holiday."""
        return next(row.factor for row in self._market.holidays if row.canal == channel)

    def _day(self, day: date) -> Floats:
        """Return the rates of a day's hours, (24, groups, channels)."""
        if day not in self._days:
            by_hour = self._hours[dia_index(day)]  # (channels, 24)
            self._days[day] = by_hour.T[:, np.newaxis, :] * (self._factors(day) * self._base)
        return self._days[day]

    def _factors(self, day: date) -> Floats:
        """Return the factors of a day: weekday, holidays and effects, (groups, channels)."""
        population = {row.code: row.share for row in self._market.provinces}
        away = sum(population[code] for code in sorted(self.on_holiday(day)))
        share = away / sum(population.values())
        by_channel = {
            row.canal: row.factor * (1 + share * (self.holiday_factor(row.canal) - 1))
            for row in self._market.weekdays
            if row.weekday == day.weekday()
        }
        factors = np.array([[by_channel[channel] for channel in CHANNELS] for _ in self._groups])
        for effect in (*self._market.events, *self._market.recurring):
            if effect.on(day):
                factors *= [
                    [effect.factor if effect.concerns(c, g) else 1.0 for c in CHANNELS]
                    for g in self._groups
                ]
        return factors


def _spread(rows: tuple[HourWeight, ...], dia: str) -> list[list[float]]:
    """Return the weights of the 24 hours of a kind of day, by channel; their mean is 1."""
    weights = {(row.canal, row.hora): row.weight for row in rows if row.dia == dia}
    by_channel = [[weights[channel, hour] for hour in range(24)] for channel in CHANNELS]
    return [[24 * weight / sum(day) for weight in day] for day in by_channel]


def channel_shares(market: Market) -> Floats:
    """Return the shares of all sales, (groups, channels); they sum to 1."""
    shares = []
    for group in market.groups:
        platforms = applicable(market.platforms, (group.grupo,))
        local = sum(row.share for row in platforms if row.plataforma == "local")
        total = sum(row.share for row in platforms)
        shares.append([group.share * local / total, group.share * (1 - local / total)])
    table: Floats = np.array(shares)
    table /= table.sum()
    return table
