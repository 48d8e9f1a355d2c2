"""By which platform and in which store is bought, hour by hour."""

from collections.abc import Sequence

import numpy as np

from include.sales.calendar_tables import DIAS
from include.sales.demand import Demand
from include.sales.draws import Floats, Ints
from include.sales.event import PLATAFORMAS
from include.sales.local_time import day_of, dia_index
from include.sales.market import Market
from include.sales.tables import CHANNELS, Store, applicable

PLATFORM_CHANNEL: Ints = np.array(
    [CHANNELS.index("local" if name == "local" else "online") for name in PLATAFORMAS]
)
"""Channel of each platform."""


class Places:
    """Weights of groups with platforms, and of stores, for any local hour.

    Over the reference year they give the shares of the data files. At an hour they follow the
    demand curve, so that what is drawn on the curve is the sum of its groups and channels.
    """

    def __init__(self, market: Market, stores: Sequence[Store], demand: Demand) -> None:
        self._demand = demand
        self._stores = stores
        self._within = _within_channel(market)
        self._size = np.array(_store_weights(market, stores))

    def at(self, hour: int) -> tuple[Floats, Floats]:
        """Weights (groups * platforms) and (channels, stores) of a local hour."""
        rates = self._demand.at(hour)  # (groups, channels)
        bought = rates[:, PLATFORM_CHANNEL] * self._within
        in_store = self._in_store(hour)
        if not in_store.any():
            # A run may have longer hours than its stores: what it sells then is bought online.
            # The stores still need weights, which no sale in store asks for.
            bought = bought * (CHANNELS.index("online") == PLATFORM_CHANNEL)
            in_store = self._size
        return bought.ravel(), np.array([in_store, self._size])

    def _in_store(self, hour: int) -> Floats:
        """Of the stores that are open; one in a province on holiday sells less."""
        day = day_of(hour)
        away = self._demand.on_holiday(day)
        dia = DIAS[dia_index(day)]
        holiday = self._demand.holiday_factor("local")
        by_day = np.array([holiday if s.province in away else 1.0 for s in self._stores])
        is_open = np.array([s.is_open(dia, hour % 24) for s in self._stores])
        weights: Floats = self._size * by_day * is_open
        return weights


def _within_channel(market: Market) -> Floats:
    """Share of each platform in its channel, (groups, platforms)."""
    table = np.zeros((len(market.groups), len(PLATAFORMAS)))
    for position, group in enumerate(market.groups):
        for row in applicable(market.platforms, (group.grupo,)):
            table[position, PLATAFORMAS.index(row.plataforma)] = row.share
    for channel in range(len(CHANNELS)):
        its = channel == PLATFORM_CHANNEL
        total = table[:, its].sum(axis=1, keepdims=True)
        table[:, its] = np.divide(table[:, its], total, out=table[:, its], where=total > 0)
    return table


def _store_weights(market: Market, stores: Sequence[Store]) -> list[float]:
    """A province's sales go by its population, and among all its stores by their size."""
    population = {row.code: row.share for row in market.provinces}
    size = dict.fromkeys(population, 0.0)
    for store in market.stores:
        size[store.province] += store.weight
    return [population[s.province] * s.weight / size[s.province] for s in stores]
