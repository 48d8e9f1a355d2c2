import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales.bulk import BulkEncoder, evenly, split
from include.sales.content import SaleSource
from include.sales.event import ESTADOS, decode, encode, format_ts
from include.sales.limits import MAX_SEED
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from include.sales.random_numbers import BLOCK

ROOT = Path(__file__).parents[3]
MARKET = load_market()
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


@settings(max_examples=20)
@given(
    seed=st.integers(0, MAX_SEED),
    block=st.integers(0, 10**8),
    row=st.integers(0, BLOCK - 20),
    began=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    gaps=st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=20),
    corrida=st.text(min_size=1).filter(lambda text: text.isprintable()),
)
def test_bulk_bytes_equal_those_of_each_event_encoded_alone(
    seed: int, block: int, row: int, began: datetime, gaps: list[int], corrida: str
) -> None:
    source = SaleSource(MARKET, seed, corrida)
    ts = (began.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1) + np.cumsum(gaps)
    first = block * BLOCK + row

    encoded = BulkEncoder(source).encode(first, ts)

    events = [
        event for i, ms in enumerate(ts.tolist()) for event in source.chain(first + i, moment(ms))
    ]
    assert list(encoded.values) == [encode(event) for event in events]
    assert list(encoded.keys) == [event.id_venta for event in events]


def test_hash_of_many_events_is_the_same_in_bulk_and_one_by_one() -> None:
    source = SaleSource(MARKET, 7, "muchas")
    schedule = evenly(START, 40.0)
    singly, bulk = hashlib.sha256(), hashlib.sha256()
    for encoded in BulkEncoder(source).blocks(range(5 * BLOCK), schedule):
        bulk.update(b"".join(encoded.values))
        ts = schedule(encoded.sales.start, encoded.sales.stop).tolist()
        for n, ms in zip(encoded.sales, ts, strict=True):
            for event in source.chain(n, moment(ms)):
                singly.update(encode(event))
    assert bulk.digest() == singly.digest()


@pytest.mark.parametrize("shards", [2, 7])
def test_bytes_do_not_depend_on_the_number_of_shards(shards: int) -> None:
    source, schedule, total = SaleSource(MARKET, 7, "una"), evenly(START, 100), 2 * BLOCK + 17

    def values(events: range) -> list[bytes]:
        blocks = BulkEncoder(source).blocks(events, schedule)
        return list(chain.from_iterable(block.values for block in blocks))

    sharded = [value for events in split(total, shards) for value in values(events)]
    assert sharded == values(range(total))


def test_bulk_columns_equal_those_of_the_events() -> None:
    ts = np.arange(0, 86_400_000, 40_000) + epoch_ms(START)
    encoded = BulkEncoder(SaleSource(MARKET, 7, "una")).encode(BLOCK, ts)
    for row, event in enumerate(map(decode, encoded.values)):
        assert event.secuencia == encoded.secuencia[row]
        assert event.ts == format_ts(moment(int(encoded.ts[row])))
        assert event.estado == ESTADOS[encoded.state[row]]
        for name in ("cantidad", "importe_centavos", "iva_centavos", "descuento_centavos"):
            assert getattr(event, name) == getattr(encoded, name)[row]


def test_a_run_of_some_stores_and_over_new_year_is_the_same_in_bulk() -> None:
    source = SaleSource(MARKET, 7, "una", ["palermo", "ushuaia"], seconds_per_day=60)
    schedule = evenly(datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC), 50)
    [encoded] = BulkEncoder(source).blocks(range(3000), schedule)
    starts = schedule(0, 3000).tolist()
    assert list(encoded.values) == [
        encode(event) for n, ms in enumerate(starts) for event in source.chain(n, moment(ms))
    ]


def test_events_from_the_end_moment_on_are_left_out() -> None:
    source, schedule = SaleSource(MARKET, 7, "una"), evenly(START, 1)
    until = START + timedelta(minutes=10)
    [every] = BulkEncoder(source).blocks(range(600), schedule)
    [some] = BulkEncoder(source, until).blocks(range(600), schedule)
    assert list(some.values) == [
        value
        for value, ts in zip(every.values, every.ts.tolist(), strict=True)
        if moment(ts) < until
    ]
    assert 600 < len(some.values) < len(every.values)


@given(st.integers(1, 10**6), st.integers(0, 10**9))
def test_evenly_spaced_moments_are_exact(rate: int, n: int) -> None:
    """With floats and rate 3, one in eighty of a million sales would be off by a millisecond."""
    assert evenly(EPOCH, rate)(n, n + 1)[0] == n * 1000 // rate


@given(total=st.integers(0, 10**9), shards=st.integers(1, 50))
def test_shards_are_disjoint_and_cover_all(total: int, shards: int) -> None:
    ranges = split(total, shards)
    assert len(ranges) == shards
    assert [ranges[0].start, *(r.stop for r in ranges)] == [*(r.start for r in ranges), total]
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 2 * BLOCK


def test_moments_of_a_range_do_not_depend_on_its_slices() -> None:
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
    with pytest.raises(ValueError, match="sales per second"):
        evenly(START, rate)


def test_a_range_over_a_block_border_is_refused() -> None:
    encoder = BulkEncoder(SaleSource(MARKET, 7, "una"))
    with pytest.raises(ValueError, match="one block"):
        encoder.encode(BLOCK - 1, np.array([0, 0]))


def test_another_process_gives_the_same_bytes() -> None:
    """The order of sets depends on the hash seed, which differs from process to process."""
    script = (
        "import hashlib\n"
        "from datetime import UTC, datetime\n"
        "from include.sales.bulk import BulkEncoder, evenly\n"
        "from include.sales.content import SaleSource\n"
        "from include.sales.market import load_market\n"
        "encoder = BulkEncoder(SaleSource(load_market(), 7, 'una'))\n"
        "digest = hashlib.sha256()\n"
        "schedule = evenly(datetime(2026, 11, 24, tzinfo=UTC), 0.1)\n"
        "for block in encoder.blocks(range(5000), schedule):\n"
        "    digest.update(b''.join(block.values))\n"
        "print(digest.hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
