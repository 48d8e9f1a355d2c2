from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales.bulk import BulkEncoder
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stream.ledger import entries_for
from include.stream.load import entries_of

SOURCE = SaleSource(load_market(), seed=7, corrida="c1")
START_MS = 1_795_521_599_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@settings(deadline=None, max_examples=50)
@given(
    first=st.integers(0, 3000), gaps=st.lists(st.integers(-60_000, 90_000), min_size=1, max_size=15)
)
def test_entries_from_columns_equal_entries_from_events(first: int, gaps: list[int]) -> None:
    ts = START_MS + np.cumsum(gaps)
    sales = [
        event
        for i, ms in enumerate(ts.tolist())
        for event in SOURCE.chain(first + i, EPOCH + timedelta(milliseconds=ms))
    ]
    batch = BulkEncoder(SOURCE).encode(first, ts)
    assert tuple(entries_of(batch, SOURCE)) == entries_for(sales, SOURCE.seed)
