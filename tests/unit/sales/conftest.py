from datetime import date

import numpy as np
import pytest

from include.sales.content import SaleSource
from include.sales.demand import REFERENCE_YEAR, Demand
from include.sales.drawn import Drawn
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS, first_hour
from include.sales.market import Market, load_market
from include.sales.points_of_sale import PLATFORM_CHANNEL
from include.sales.random_numbers import BLOCK
from tests.unit.sales.year import Year


@pytest.fixture(scope="session")
def market() -> Market:
    return load_market()


@pytest.fixture(scope="session")
def demand(market: Market) -> Demand:
    return Demand(market)


@pytest.fixture(scope="session")
def year(market: Market, demand: Demand) -> Year:
    """204,800 sales spread over the reference year as the demand curve says."""
    source = SaleSource(market, seed=7, corrida="un año")
    count = 50 * BLOCK
    rates = demand.hourly(REFERENCE_YEAR).sum(axis=(1, 2)).cumsum()
    passed = np.searchsorted(rates, (np.arange(count) + 0.5) / count * rates[-1])
    hour = first_hour(date(REFERENCE_YEAR, 1, 1)) + passed
    ts = (hour - UTC_OFFSET_HOURS) * HOUR_MS
    blocks = [source.columns(n, ts[n * BLOCK :][:BLOCK]) for n in range(count // BLOCK)]
    drawn = Drawn(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
    categories = [row.categoria for row in market.categories]
    groups = [row.grupo for row in market.groups]
    provinces = [row.code for row in market.provinces]
    category = np.array([categories.index(p.categoria) for p in source.products])[drawn.product]
    return Year(
        drawn=drawn,
        hour=hour,
        category=category,
        group=np.array([groups.index(row.grupo) for row in market.categories])[category],
        channel=PLATFORM_CHANNEL[drawn.platform],
        province=np.array([provinces.index(s.province) for s in source.stores])[drawn.store],
    )
