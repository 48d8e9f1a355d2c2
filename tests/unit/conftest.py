"""Simulated sales, and a Druid that answers as a test says, for several folders of tests."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from commands.score.sales import Events, Simulation
from include.sales.market import load_market
from tests.support.findings import NOW
from tests.unit.druid.support import Router, serving


@pytest.fixture(scope="session")
def usual_sales() -> Events:
    """Sales of the eight days before `NOW` and of the six hours after it, at a window's rate."""
    market = load_market()
    end = NOW + timedelta(hours=6)
    return Simulation(market, 5, NOW - timedelta(days=8), end, scale=0.67).usual


@pytest.fixture
def router() -> Iterator[Router]:
    with serving() as router:
        yield router
