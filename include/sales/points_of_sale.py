"""Choose the platform and the store of a sale, hour by hour."""

from collections.abc import Sequence

import numpy as np

from include.sales.calendar_tables import DIAS
from include.sales.demand import Demand
from include.sales.event import PLATAFORMAS
from include.sales.local_time import day_of, dia_index
from include.sales.market import Market
from include.sales.random_numbers import Floats, Ints
from include.sales.tables import CHANNELS, Store, applicable

PLATFORM_CHANNEL: Ints = np.array(
    [CHANNELS.index("local" if name == "local" else "online") for name in PLATAFORMAS]
)
"""Position in `CHANNELS` of each platform's channel, in the order of `PLATAFORMAS`."""


class PointsOfSale:
    """Weights of (group, platform) pairs and of stores, for any local hour.

    Over the reference year they give the shares of the data files. In each hour they follow the
    demand curve's rates by group and channel.
    """

    def __init__(self, market: Market, stores: Sequence[Store], demand: Demand) -> None:
        self._demand = demand
        self._stores = stores
        self._within = _within_channel(market)
        self._size = np.array(_store_weights(market, stores))

    def at(self, hour: int) -> tuple[Floats, Floats]:
        """Return the weights (groups * platforms) and (channels, stores) of a local hour."""
        rates = self._demand.at(hour)  # (groups, channels)
        bought = rates[:, PLATFORM_CHANNEL] * self._within
        in_store = self._in_store(hour)
        if not in_store.any():
            # A run may sell while all its stores are closed: then every sale is online. The row
            # of the local channel still needs weights, although no sale uses them.
            bought = bought * (CHANNELS.index("online") == PLATFORM_CHANNEL)
            in_store = self._size
        return bought.ravel(), np.array([in_store, self._size])

    def _in_store(self, hour: int) -> Floats:
        """Return the weights of the stores for sales in store.

        Closed stores have weight 0; stores in a province on holiday sell less.
        """
        day = day_of(hour)
        away = self._demand.on_holiday(day)
        dia = DIAS[dia_index(day)]
        holiday = self._demand.holiday_factor("local")
        by_day = np.array([holiday if s.province in away else 1.0 for s in self._stores])
        is_open = np.array([s.is_open(dia, hour % 24) for s in self._stores])
        weights: Floats = self._size * by_day * is_open
        return weights


def _within_channel(market: Market) -> Floats:
    """Return the share of each platform in platforms channel, (groups, platforms)."""
    table = np.zeros((len(market.groups), len(PLATAFORMAS)))
    for position, group in enumerate(market.groups):
        for row in applicable(market.platforms, (group.grupo,)):
            table[position, PLATAFORMAS.index(row.plataforma)] = row.share
    for channel in range(len(CHANNELS)):
        platforms = channel == PLATFORM_CHANNEL
        total = table[:, platforms].sum(axis=1, keepdims=True)
        table[:, platforms] = np.divide(
            table[:, platforms], total, out=table[:, platforms], where=total > 0
        )
    return table


def _store_weights(market: Market, stores: Sequence[Store]) -> list[float]:
    """Return the stores' weights.

    A province's sales are proportional to its population, and all its stores, selected or not,
    share them in proportion to their weight.
    """
    population = {row.code: row.share for row in market.provinces}
    size = dict.fromkeys(population, 0.0)
    for store in market.stores:
        size[store.province] += store.weight
    return [population[s.province] * s.weight / size[s.province] for s in stores]
