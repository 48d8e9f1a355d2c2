"""Reading the latest records of a topic, on a real broker."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from include.sales.event import encode
from include.stream import tail as tail_module
from include.stream.reader import Record, consume
from include.stream.tail import tail
from include.stream.topics import TopicMissingError
from tests.support.clock import Clock
from tests.support.place import PATIENCE, Place


def produce(place: Place, *values: bytes | None, key: bytes | None = None) -> None:
    producer = Producer({**place.config, "acks": "all"})
    for n, value in enumerate(values):
        producer.produce(place.topic, value, key, partition=n % 3, timestamp=1_000 + n)
    assert producer.flush(PATIENCE) == 0


def test_tail_of_an_empty_topic_is_empty_and_a_missing_topic_is_reported(place: Place) -> None:
    assert tail(place.config, place.topic, 10, seconds=PATIENCE) == ([], True)
    with pytest.raises(TopicMissingError, match="absent"):
        tail(place.config, "absent", 10, seconds=PATIENCE)


def test_tail_gives_the_latest_records_of_all_partitions_newest_first(place: Place) -> None:
    sales = place.sales(0, 30)
    produce(place, *map(encode, sales))
    found = tail(place.config, place.topic, 7, seconds=PATIENCE)
    assert [seen.event for seen in found.records] == sales[:-8:-1]
    assert found.complete
    assert {seen.partition for seen in found.records} == {0, 1, 2}
    assert len(tail(place.config, place.topic, 200, seconds=PATIENCE).records) == 30


def test_malformed_record_is_shown_escaped(place: Place) -> None:
    [sale] = place.sales(0, 1)
    cut = encode(sale)[:40]
    produce(place, cut, b"\xff\x00<b>\n\x1b[2J\xe2\x80\xae", None, encode(sale), key=b"k\xfe")
    good, empty, odd, short = tail(place.config, place.topic, 10, seconds=PATIENCE).records
    assert (good.event, good.text, good.problem, good.key) == (sale, "", "", r"k\xfe")
    assert (empty.event, empty.text) == (None, "")
    assert odd.text == r"\xff\x00<b>\n\x1b[2J\u202e"
    assert (short.text, short.event) == (cut.decode(), None)
    assert all(seen.problem for seen in (empty, odd, short))


def test_tail_shows_only_committed_records_and_does_not_wait_for_others(
    place: Place,
) -> None:
    with place.publisher() as publisher:
        publisher.open()
        # One transaction per event, so the topic has as many commit markers as events.
        for n in range(12):
            publisher.commit(place.sales(n, n + 1))
    aborted = place.holder("aborted")
    aborted.init_transactions(PATIENCE)
    aborted.begin_transaction()
    for _ in range(100):
        aborted.produce(place.topic, b"aborted", partition=0)
    assert aborted.flush(PATIENCE) == 0
    aborted.abort_transaction(PATIENCE)
    holder = place.holder()
    holder.init_transactions(PATIENCE)
    holder.begin_transaction()
    holder.produce(place.topic, b"open", partition=0)
    assert holder.flush(PATIENCE) == 0

    # If tail() had waited for the open transaction, it would not be complete.
    found = tail(place.config, place.topic, 5, seconds=PATIENCE)
    assert found.complete
    assert len(found.records) == 5
    assert all(seen.event for seen in found.records)
    everything = tail(place.config, place.topic, 200, seconds=PATIENCE)
    assert sorted(seen.event.secuencia for seen in everything.records if seen.event) == [*range(12)]
    holder.abort_transaction(PATIENCE)


def test_tail_leaves_no_consumer_group(place: Place) -> None:
    produce(place, *map(encode, place.sales(0, 9)))
    tail(place.config, place.topic, 5, seconds=PATIENCE)
    groups = AdminClient(dict(place.config)).list_consumer_groups(request_timeout=PATIENCE)
    assert "ventas.reader" not in {group.group_id for group in groups.result().valid}


def test_tail_ends_at_its_deadline_with_the_records_read_by_then(
    place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(place, *map(encode, place.sales(0, 9)))

    def slow(*arguments: Any) -> Iterator[Record]:
        for record in consume(*arguments):
            clock.go_on(PATIENCE)
            yield record

    monkeypatch.setattr(tail_module, "time", clock)
    monkeypatch.setattr(tail_module, "consume", slow)
    late = tail(place.config, place.topic, 5, seconds=2.5 * PATIENCE)
    assert (len(late.records), late.complete) == (3, False)


@pytest.mark.parametrize("count", [0, 201])
def test_count_out_of_limits_is_refused(place: Place, count: int) -> None:
    with pytest.raises(ValueError, match="de 1 a 200"):
        tail(place.config, place.topic, count)
