from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.market import Market, load_market

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def market() -> Market:
    return load_market()


@pytest.fixture(scope="session")
def many_sales(market: Market) -> Sequence[Venta]:
    """50,000 sales of all stores; the seed is fixed, so what holds of them always does."""
    source = SaleSource(market, seed=7, corrida="muchas")
    return [source.sale(n, NOON) for n in range(50_000)]
