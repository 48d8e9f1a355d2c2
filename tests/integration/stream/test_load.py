"""Load mode on a real broker: all of it once, resumable, and stopped at once."""

import threading
import time
from datetime import UTC, datetime

import pytest

from include.sales.bulk import BulkEncoder, evenly
from include.stream.ledger import read_run
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.reader import ids_of_run, read_committed
from include.stream.session import Published, WindowStoppedError
from tests.integration.stream.place import Place

SCHEDULE = evenly(datetime(2026, 11, 24, 12, tzinfo=UTC), 1000)


def run(
    place: Place, total: int, rate: float | None = None, stop: threading.Event | None = None
) -> Published:
    stop = stop or threading.Event()
    place = place._replace(config={**LOAD_CONFIG, **place.config})
    with place.publisher(stopped=stop.is_set) as publisher:
        return publish_load(
            publisher, place.source(), total=total, schedule=SCHEDULE, rate=rate, stop=stop
        )


def test_every_event_is_there_once_and_the_ledger_knows(place: Place) -> None:
    published = run(place, 120_000)

    assert (published.confirmadas, published.hasta) == (120_000, 119_999)
    found = ids_of_run(place.config, place.topic, place.corrida)
    assert (len(found.times), set(found.times.values()), found.malformed) == (120_000, {1}, 0)
    assert read_run(place.config, place.ledger_topic, place.corrida).total.eventos == 120_000


def test_a_stopped_run_is_resumed_with_the_bytes_of_one_that_was_not(place: Place) -> None:
    stop = threading.Event()
    threading.Timer(2, stop.set).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(place, 20_000, rate=2000, stop=stop)
    stopped = time.monotonic()
    first = caught.value.published
    assert 0 < first.confirmadas < 20_000
    assert time.monotonic() - stopped < 5

    second = run(place, 20_000)

    assert second.reanudada_en == first.confirmadas
    blocks = BulkEncoder(place.source()).blocks(range(20_000), SCHEDULE)
    expected = [value for block in blocks for value in block.values]
    records = read_committed(place.config, place.topic)
    assert sorted(record.value or b"" for record in records) == sorted(expected)


def test_a_rate_is_kept(place: Place) -> None:
    began = time.monotonic()
    run(place, 3000, rate=1000)
    assert 3 <= time.monotonic() - began < 6


@pytest.mark.parametrize("rate", [0, -1, float("inf")])
def test_an_impossible_rate_is_refused(place: Place, rate: float) -> None:
    with pytest.raises(ValueError, match="events a second"):
        run(place, 10, rate=rate)
