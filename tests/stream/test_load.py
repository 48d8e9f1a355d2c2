"""Load mode on a real broker: each event exactly once, also after a stop and a resume."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from include.sales.bulk import BulkEncoder, evenly, split
from include.sales.random_numbers import BLOCK
from include.stream.ledger import read_run
from include.stream.load import (
    LOAD_CONFIG,
    TRANSACTION_SALES,
    TRANSACTION_SECONDS,
    Progress,
    publish_load,
)
from include.stream.reader import ids_of_run, read_committed
from include.stream.session import Published, WindowStoppedError
from tests.support.clock import Clock, Stop
from tests.support.place import Place

SCHEDULE = evenly(datetime(2026, 11, 24, 12, tzinfo=UTC), 1000)


def run(
    place: Place,
    clock: Clock,
    sales: range,
    *,
    rate: float | None = None,
    stop_after: int = 0,
    stop_at_wait: int | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Published:
    """Publish some sales; stop after `stop_after` transactions (0: do not stop), or during wait
    number `stop_at_wait`, as in `Stop`."""
    stop = Stop(clock, at_wait=stop_at_wait)
    with place.publisher(
        stopped=stop.is_set,
        tuning=LOAD_CONFIG,
        committed=stop.after(stop_after),
    ) as publisher:
        return publish_load(
            publisher,
            place.source(),
            sales=sales,
            schedule=SCHEDULE,
            rate=rate,
            stop=stop,
            report=report,
        )


def expected(place: Place, sales: range) -> list[bytes]:
    blocks = BulkEncoder(place.source()).blocks(sales, SCHEDULE)
    return sorted(value for block in blocks for value in block.values)


def published_bytes(place: Place) -> list[bytes]:
    return sorted(r.value or b"" for r in read_committed(place.config, place.topic))


def test_load_publishes_every_event_once_and_the_ledger_counts_them(
    place: Place, clock: Clock
) -> None:
    total = TRANSACTION_SALES + 5000
    told: list[Progress] = []
    published = run(place, clock, range(total), report=told.append)

    assert (published.sales, published.last) == (total, total - 1)
    found = ids_of_run(place.config, place.topic, place.corrida)
    events = published.committed
    assert events > 2 * total * 0.95
    assert (len(found.times), set(found.times.values()), found.malformed) == (events, {1}, 0)
    ledger = read_run(place.config, place.ledger_topic, place.corrida)
    assert (ledger.sales, ledger.total.eventos) == (total, events)
    last = told[-1]
    assert (last.sales, last.total, last.committed) == (total, total, events)
    assert (last.in_flight, last.retries) == (0, 0)


def test_stopped_and_resumed_load_equals_an_uninterrupted_one(place: Place, clock: Clock) -> None:
    with pytest.raises(WindowStoppedError) as caught:
        run(place, clock, range(10_000), rate=4000, stop_after=2)
    first = caught.value.published
    assert first.sales == 2 * int(4000 * TRANSACTION_SECONDS / 2)

    second = run(place, clock, range(10_000))

    assert second.resumed_at == first.sales
    assert published_bytes(place) == expected(place, range(10_000))


def test_stop_ends_a_loads_wait_for_its_rate(place: Place, clock: Clock) -> None:
    with pytest.raises(WindowStoppedError) as caught:
        run(place, clock, range(10), rate=1, stop_at_wait=4)
    assert caught.value.published.sales == 1


def test_shards_publish_the_bytes_of_one_task_and_resume_independently(
    place: Place, clock: Clock
) -> None:
    total = 3 * BLOCK + 100
    for shard in split(total, 3):
        of_shard = run(place, clock, shard)
        assert (of_shard.sales, of_shard.first) == (len(shard), shard.start)
    again = run(place, clock, split(total, 3)[1])

    assert again.resumed_at == split(total, 3)[1].stop
    assert published_bytes(place) == expected(place, range(total))


def test_rate_is_kept_by_the_clock(place: Place, clock: Clock) -> None:
    began = clock.seconds()
    published = run(place, clock, range(1500), rate=1000)
    assert clock.seconds() - began == pytest.approx(published.committed / 1000, abs=0.1)


@pytest.mark.parametrize("rate", [0, -1, float("inf")])
def test_impossible_rate_is_refused(place: Place, clock: Clock, rate: float) -> None:
    with pytest.raises(ValueError, match="events per second"):
        run(place, clock, range(10), rate=rate)
