"""The whole session, as the operator runs it."""

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from include.sales.event import decode
from include.stream.reader import read_committed
from include.stream.session import Published, WindowStoppedError, publish_window
from tests.integration.stream.place import Place

STOP_LIMIT = 5.0
FAST = {"minimum_gap": 0.02, "maximum_gap": 0.04}
SLOW = {"minimum_gap": 60.0, "maximum_gap": 90.0}


def run(
    place: Place,
    until: datetime | timedelta,
    gaps: dict[str, float] = FAST,
    stop: threading.Event | None = None,
) -> Published:
    stop = stop or threading.Event()
    with place.publisher(stopped=stop.is_set) as publisher:
        return publish_window(publisher, place.source(), until=until, stop=stop, **gaps)


def sequences(place: Place) -> list[int]:
    records = read_committed(place.config, place.topic)
    return sorted(decode(record.value or b"").secuencia for record in records)


def test_a_window_ends_at_its_moment_with_everything_acknowledged(place: Place) -> None:
    end = datetime.now(UTC) + timedelta(seconds=2)
    published = run(place, end)

    assert published.enviadas == published.confirmadas > 10
    assert (published.desde, published.hasta) == (0, published.confirmadas - 1)
    assert published.reanudada_en == 0
    assert published.ultima_ts is not None
    assert datetime.fromisoformat(published.ultima_ts) < end
    assert sequences(place) == list(range(published.confirmadas))


def test_a_window_that_is_over_publishes_nothing(place: Place) -> None:
    published = run(place, datetime.now(UTC) - timedelta(hours=1))
    assert (published.confirmadas, published.desde, published.primera_ts) == (0, None, None)


def test_a_resumed_run_keeps_the_end_of_its_first_try(place: Place) -> None:
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(place, timedelta(seconds=3), stop=stop)
    first = caught.value.published

    second = run(place, timedelta(seconds=3))
    third = run(place, timedelta(seconds=3))

    assert second.reanudada_en == first.confirmadas > 0
    assert second.primera_ts == first.primera_ts is not None
    assert second.ultima_ts is not None
    lasted = datetime.fromisoformat(second.ultima_ts) - datetime.fromisoformat(first.primera_ts)
    assert lasted < timedelta(seconds=3)
    assert third.confirmadas == second.confirmadas
    assert sequences(place) == list(range(second.confirmadas))


def test_impossible_gaps_are_refused_before_anything_is_sent(place: Place) -> None:
    with pytest.raises(ValueError, match="minimum"):
        run(place, timedelta(seconds=1), {"minimum_gap": 2, "maximum_gap": 1})
    assert sequences(place) == []


@pytest.mark.parametrize("gaps", [FAST, SLOW], ids=["publishing", "waiting"])
def test_a_stop_ends_it_at_once_and_never_as_a_success(
    place: Place, gaps: dict[str, float]
) -> None:
    stop = threading.Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        stop.set()

    threading.Timer(1, ask).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(place, timedelta(minutes=5), gaps, stop)

    assert time.monotonic() - asked[0] < 1
    published = caught.value.published
    assert published.enviadas == published.confirmadas == len(sequences(place))


def test_a_stop_while_the_broker_is_lost_ends_in_time_and_counts_what_is_not_acknowledged(
    own_place: Place, broker: int
) -> None:
    stop = threading.Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        stop.set()

    threading.Timer(2, os.kill, (broker, signal.SIGSTOP)).start()
    threading.Timer(3, ask).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(own_place, timedelta(minutes=5), stop=stop)

    assert time.monotonic() - asked[0] < STOP_LIMIT
    published = caught.value.published
    assert published.enviadas == published.confirmadas + 1
