"""Simulated sales, and a Druid that answers as a test says, for several folders of tests."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from include.sales.market import load_market
from tests.support.findings import NOW, Events, simulate
from tests.unit.druid.support import Router, serving


@pytest.fixture(scope="session")
def usual_sales() -> Events:
    """Sales of the eight days before `NOW` and of the six hours after it, at a window's rate."""
    market = load_market()
    return simulate(market, 5, NOW - timedelta(days=8), NOW + timedelta(hours=6), scale=0.67)


@pytest.fixture
def router() -> Iterator[Router]:
    with serving() as router:
        yield router
