"""Load mode on a real broker: all of it once, resumable, and stopped at once."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from include.sales.bulk import BulkEncoder, evenly, split
from include.sales.draws import BLOCK
from include.stream.ledger import read_run
from include.stream.load import LOAD_CONFIG, Progress, publish_load
from include.stream.reader import ids_of_run, read_committed
from include.stream.session import Published, WindowStoppedError
from tests.integration.stream.place import Place

STOP_LIMIT = 5.0
SCHEDULE = evenly(datetime(2026, 11, 24, 12, tzinfo=UTC), 1000)


def run(
    place: Place,
    sales: range,
    rate: float | None = None,
    stop: threading.Event | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Published:
    stop = stop or threading.Event()
    with place.publisher(stopped=stop.is_set, tuning=LOAD_CONFIG) as publisher:
        return publish_load(
            publisher,
            place.source(),
            sales=sales,
            schedule=SCHEDULE,
            rate=rate,
            stop=stop,
            tell=tell,
        )


def expected(place: Place, sales: range) -> list[bytes]:
    blocks = BulkEncoder(place.source()).blocks(sales, SCHEDULE)
    return sorted(value for block in blocks for value in block.values)


def published_bytes(place: Place) -> list[bytes]:
    return sorted(r.value or b"" for r in read_committed(place.config, place.topic))


def test_every_event_is_there_once_and_the_ledger_knows(place: Place) -> None:
    told: list[Progress] = []
    published = run(place, range(60_000), tell=told.append)

    assert (published.ventas, published.hasta) == (60_000, 59_999)
    found = ids_of_run(place.config, place.topic, place.corrida)
    events = published.confirmadas
    assert events > 2 * 60_000 * 0.95
    assert (len(found.times), set(found.times.values()), found.malformed) == (events, {1}, 0)
    ledger = read_run(place.config, place.ledger_topic, place.corrida)
    assert (ledger.sales, ledger.total.eventos) == (60_000, events)
    last = told[-1]
    assert (last.ventas, last.de, last.confirmadas) == (60_000, 60_000, events)
    assert (last.en_vuelo, last.reintentos, last.faltan_segundos) == (0, 0, 0)


def test_a_stopped_run_is_resumed_with_the_bytes_of_one_that_was_not(place: Place) -> None:
    stop = threading.Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        stop.set()

    threading.Timer(2, ask).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(place, range(20_000), rate=4000, stop=stop)
    assert time.monotonic() - asked[0] < STOP_LIMIT
    first = caught.value.published
    assert 0 < first.ventas < 20_000

    second = run(place, range(20_000))

    assert second.reanudada_en == first.ventas
    assert published_bytes(place) == expected(place, range(20_000))


def test_shards_publish_the_bytes_of_one_task_and_each_is_resumed_by_itself(place: Place) -> None:
    total = 3 * BLOCK + 100
    for shard in split(total, 3):
        of_shard = run(place, shard)
        assert (of_shard.ventas, of_shard.desde) == (len(shard), shard.start)
    again = run(place, split(total, 3)[1])

    assert again.reanudada_en == split(total, 3)[1].stop
    assert published_bytes(place) == expected(place, range(total))


def test_a_rate_is_kept(place: Place) -> None:
    began = time.monotonic()
    published = run(place, range(1500), rate=1000)
    assert published.confirmadas / 1000 <= time.monotonic() - began < 6


@pytest.mark.parametrize("rate", [0, -1, float("inf")])
def test_an_impossible_rate_is_refused(place: Place, rate: float) -> None:
    with pytest.raises(ValueError, match="events a second"):
        run(place, range(10), rate=rate)
