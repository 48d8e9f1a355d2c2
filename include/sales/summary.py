"""Sum up simulated sales: their number by hour and channel, and their payment mix.

This module computes the numbers of figures and reports; others draw them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, TIPOS_PAGO
from include.sales.local_time import first_hour, hours_of, midnight
from include.sales.market import Market
from include.sales.points_of_sale import PLATFORM_CHANNEL
from include.sales.random_numbers import BLOCK, Floats, Ints
from include.sales.tables import CHANNELS, Canal, PaymentShare, applicable


class Sales(NamedTuple):
    """Sales as columns, in the order of time."""

    hour: Ints
    """Local hours, as `local_time` counts them."""
    channel: Ints
    """Positions in `CHANNELS`."""
    group: Ints
    """Positions in the market's groups."""
    drawn: Drawn[Ints]


class Day(NamedTuple):
    """A local day's sales by hour and channel, arrays (24, channels)."""

    day: date
    expected: Floats
    """Number of sales that the demand curve expects."""
    simulated: Ints


class Mix(NamedTuple):
    """Payment mix of a channel and group, in percent of the value of completed sales.

    Payment types whose shares are only assumptions are combined into one option.
    """

    canal: Canal
    grupo: str
    """The group; blank means all groups."""
    source: str
    date: str
    options: tuple[tuple[str, ...], ...]
    """Payment types of each option."""
    published: tuple[float, ...]
    simulated: tuple[float, ...]
    sales: int
    """Number of simulated sales that were counted."""


def simulate(
    market: Market, demand: Demand, seed: int, start: date, end: date, scale: float
) -> Sales:
    """Simulate all stores' sales of the local days [start, end).

    `scale` is the mean number of sales a second over the curve's reference year.
    """
    moments = arrivals(demand, seed, midnight(start), midnight(end), scale)
    count = len(moments)
    source = SaleSource(market, seed, corrida="resumen")
    # Rows of a block do not influence each other, so the last block may be padded.
    blocks = np.pad(moments, (0, -count % BLOCK), mode="edge").reshape(-1, BLOCK)
    columns = [source.columns(number, ts) for number, ts in enumerate(blocks)]
    drawn = Drawn(*(np.concatenate(parts)[:count] for parts in zip(*columns, strict=True)))
    groups = [row.grupo for row in market.groups]
    group_of = {row.categoria: groups.index(row.grupo) for row in market.categories}
    return Sales(
        hour=hours_of(moments),
        channel=PLATFORM_CHANNEL[drawn.platform],
        group=np.array([group_of[p.categoria] for p in source.products])[drawn.product],
        drawn=drawn,
    )


def sales_by_hour(market: Market, demand: Demand, seed: int, day: date, scale: float) -> Day:
    """Simulate a local day and compare it with the demand curve; `scale` as in `simulate`."""
    sales = simulate(market, demand, seed, day, day + timedelta(days=1), scale)
    first = first_hour(day)
    simulated = np.zeros((24, len(CHANNELS)), dtype=np.int64)
    np.add.at(simulated, (sales.hour - first, sales.channel), 1)
    rates = np.array([demand.at(hour).sum(axis=0) for hour in range(first, first + 24)])
    return Day(day, rates * 3600 * scale, simulated)


def payment_mixes(market: Market, sales: Sales) -> list[Mix]:
    """Compare the payment mix of completed sales with each published mix of payments.csv.

    A channel and group whose shares are all assumptions is left out: it has no published mix.
    """
    found = []
    for canal, grupo in dict.fromkeys((row.canal, row.grupo) for row in market.payments):
        rows = applicable(market.payments, (canal, grupo))
        sourced = [row for row in rows if not _assumed(row)]
        if sourced:
            found.append(_mix(market, sales, canal, grupo, rows, sourced[0]))
    return found


def _mix(
    market: Market,
    sales: Sales,
    canal: Canal,
    grupo: str,
    rows: Sequence[PaymentShare],
    published: PaymentShare,
) -> Mix:
    concerned = [not grupo or row.grupo == grupo for row in market.groups]
    chosen = (
        np.array(concerned)[sales.group] & np.array([c == canal for c in CHANNELS])[sales.channel]
    )
    chosen &= sales.drawn.outcome != ESTADOS.index("rechazada")
    value = np.bincount(
        sales.drawn.payment[chosen], sales.drawn.importe_centavos[chosen], minlength=len(TIPOS_PAGO)
    )
    share = dict(zip(TIPOS_PAGO, 100 * value / value.sum(), strict=True))
    options: list[tuple[PaymentShare, ...]] = [(row,) for row in rows if not _assumed(row)]
    split = tuple(row for row in rows if _assumed(row))
    options += [split] if split else []
    return Mix(
        canal=canal,
        grupo=grupo,
        source=published.source,
        date=published.date,
        options=tuple(tuple(row.tipo_pago for row in option) for option in options),
        published=tuple(sum(row.share for row in option) for option in options),
        simulated=tuple(float(sum(share[row.tipo_pago] for row in o)) for o in options),
        sales=int(chosen.sum()),
    )


def _assumed(row: PaymentShare) -> bool:
    return row.source.startswith("assumption")
