"""Simulated sales that several folders of tests share."""

from datetime import timedelta

import pytest

from include.sales.market import load_market
from tests.support.findings import NOW, Events, simulate


@pytest.fixture(scope="session")
def usual_sales() -> Events:
    """Sales of the eight days before `NOW` and of the six hours after it, at a window's rate."""
    market = load_market()
    return simulate(market, 5, NOW - timedelta(days=8), NOW + timedelta(hours=6), scale=0.67)
