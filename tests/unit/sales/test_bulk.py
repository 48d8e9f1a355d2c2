import hashlib
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales.bulk import BulkEncoder, evenly, split
from include.sales.content import SaleSource
from include.sales.draws import BLOCK, MAX_SEED
from include.sales.event import encode
from include.sales.market import load_market

MARKET = load_market()
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, MAX_SEED),
    block=st.integers(0, 10**8),
    row=st.integers(0, BLOCK - 20),
    began=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    gaps=st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=20),
    corrida=st.text(min_size=1).filter(lambda text: text.isprintable()),
)
def test_the_bytes_are_those_of_each_sale_encoded_alone(
    seed: int, block: int, row: int, began: datetime, gaps: list[int], corrida: str
) -> None:
    source = SaleSource(MARKET, seed, corrida)
    ts = (began.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1) + np.cumsum(gaps)
    first = block * BLOCK + row

    encoded = BulkEncoder(source).encode(first, ts)

    sales = [source.sale(first + i, moment(ms)) for i, ms in enumerate(ts.tolist())]
    assert list(encoded.values) == [encode(sale) for sale in sales]
    assert list(encoded.keys) == [sale.id_venta for sale in sales]


def test_a_hundred_thousand_events_hash_alike_one_by_one_and_in_bulk() -> None:
    source = SaleSource(MARKET, 7, "muchas")
    schedule = evenly(START, 40.0)
    singly, bulk = hashlib.sha256(), hashlib.sha256()
    for encoded in BulkEncoder(source).blocks(range(100_000), schedule):
        bulk.update(b"".join(encoded.values))
        for i, ms in enumerate(encoded.ts.tolist()):
            singly.update(encode(source.sale(encoded.first + i, moment(ms))))
    assert bulk.digest() == singly.digest()


@pytest.mark.parametrize("shards", [2, 3, 7])
def test_the_same_bytes_come_out_whatever_the_shards(shards: int) -> None:
    source, schedule, total = SaleSource(MARKET, 7, "una"), evenly(START, 100), 5 * BLOCK + 17

    def values(events: range) -> list[bytes]:
        blocks = BulkEncoder(source).blocks(events, schedule)
        return list(chain.from_iterable(block.values for block in blocks))

    sharded = [value for events in split(total, shards) for value in values(events)]
    assert sharded == values(range(total))


@given(total=st.integers(0, 10**9), shards=st.integers(1, 50))
def test_shards_are_disjoint_and_cover_all(total: int, shards: int) -> None:
    ranges = split(total, shards)
    assert len(ranges) == shards
    assert [ranges[0].start, *(r.stop for r in ranges)] == [*(r.start for r in ranges), total]
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 2 * BLOCK


def test_the_times_of_a_range_do_not_depend_on_where_it_is_cut() -> None:
    schedule = evenly(START, 3)
    whole = schedule(0, 100)
    assert np.concatenate([schedule(0, 41), schedule(41, 100)]).tolist() == whole.tolist()
    assert [moment(ms) - START for ms in whole[[0, 3, 4]].tolist()] == [
        timedelta(0),
        timedelta(seconds=1),
        timedelta(milliseconds=1333),
    ]


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="events a second"):
        evenly(START, rate)


def test_a_range_over_a_block_border_is_refused() -> None:
    encoder = BulkEncoder(SaleSource(MARKET, 7, "una"))
    with pytest.raises(ValueError, match="one block"):
        encoder.encode(BLOCK - 1, np.array([0, 0]))
