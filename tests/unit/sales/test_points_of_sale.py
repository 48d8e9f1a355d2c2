"""Stores and platforms that sell in an hour."""

from datetime import date

import numpy as np
import pytest

from include.sales.calendar_tables import DIAS
from include.sales.content import SaleSource
from include.sales.event import PLATAFORMAS
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS, first_hour
from include.sales.market import load_market
from include.sales.random_numbers import BLOCK

MARKET = load_market()
LOCAL = PLATAFORMAS.index("local")
WEEK = {"laborable": date(2026, 5, 6), "sabado": date(2026, 5, 9), "domingo": date(2026, 5, 10)}


def block_of(source: SaleSource, dia: str, hour: int) -> tuple[set[int], int]:
    """Draw a block in one hour; return the stores and the number of its in-store sales."""
    moment = (first_hour(WEEK[dia]) + hour - UTC_OFFSET_HOURS) * HOUR_MS
    drawn = source.columns(hour, np.full(BLOCK, moment))
    in_store = drawn.store[drawn.platform == LOCAL]
    return set(in_store.tolist()), len(in_store)


@pytest.mark.parametrize("dia", DIAS)
def test_closed_store_has_no_sales_in_store(dia: str) -> None:
    source = SaleSource(MARKET, 7, "una")
    for hour in range(24):
        selling, count = block_of(source, dia, hour)
        assert selling
        assert all(source.stores[store].is_open(dia, hour) for store in selling)
        assert count < BLOCK


@pytest.mark.parametrize("dia", DIAS)
def test_run_sells_only_online_while_all_its_stores_are_closed(dia: str) -> None:
    source = SaleSource(MARKET, 7, "una", ["ushuaia", "rafaela"])
    for hour in range(24):
        open_stores = {n for n, store in enumerate(source.stores) if store.is_open(dia, hour)}
        selling, count = block_of(source, dia, hour)
        assert selling == open_stores
        assert (count == 0) == (not open_stores)
