"""Sales that more than one folder of tests looks at."""

from datetime import timedelta

import pytest

from include.sales.market import load_market
from tests.support.findings import NOW, Events, simulate


@pytest.fixture(scope="session")
def usual_sales() -> Events:
    """Eight days until `NOW` and the afternoon after it, at a window's rate."""
    market = load_market()
    return simulate(market, 5, NOW - timedelta(days=8), NOW + timedelta(hours=6), scale=0.67)
