from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales.bulk import BulkEncoder
from include.sales.content import SaleSource
from include.sales.event import format_ts
from include.sales.incidents import Incident
from include.sales.local_time import moment_of
from include.sales.market import load_market
from include.stream.ledger import OmittedSale, entries_for, progress_of
from include.stream.load import entries_of

SOURCE = SaleSource(load_market(), seed=7, corrida="c1")
START_MS = 1_795_521_599_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FEWER = SOURCE.with_incidents(
    [Incident("menos_ventas", "", 80, format_ts(moment_of(START_MS - 3_600_000)), 180)]
)


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


@settings(deadline=None, max_examples=30)
@given(
    first=st.integers(0, 3000), gaps=st.lists(st.integers(-60_000, 90_000), min_size=1, max_size=9)
)
def test_entries_from_columns_count_the_omitted_sales_as_those_from_events(
    first: int, gaps: list[int]
) -> None:
    begins = {
        first + i: moment_of(ms) for i, ms in enumerate((START_MS + np.cumsum(gaps)).tolist())
    }
    chains = {n: FEWER.chain(n, moment) for n, moment in begins.items()}
    omitted = [OmittedSale("c1", n, format_ts(begins[n])) for n in begins if not chains[n]]
    events = [event for chain in chains.values() for event in chain]
    batch = BulkEncoder(FEWER).encode(first, START_MS + np.cumsum(gaps))
    entries = entries_of(batch, FEWER)
    assert tuple(entries) == entries_for(events, FEWER.seed, omitted)
    progress = progress_of("c1", entries, shard=range(first, first + len(gaps)))
    assert (progress.omitted, progress.last) == (len(omitted), first + len(gaps) - 1)
