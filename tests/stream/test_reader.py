from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from include.sales.event import encode
from include.stream import reader
from include.stream.reader import ReadStalledError, Record, ids_of_run, read_committed
from include.stream.topics import TopicMissingError
from tests.support.place import PATIENCE, Place


def plain_producer(place: Place) -> Producer:
    return Producer({**place.config, "acks": "all"})


def test_empty_topic_has_no_records(place: Place) -> None:
    assert list(read_committed(place.config, place.topic)) == []


def test_missing_topic_is_reported_at_the_call(place: Place) -> None:
    with pytest.raises(TopicMissingError, match="absent"):
        read_committed(place.config, "absent")


def test_read_ends_where_the_topic_ended_at_the_call(place: Place) -> None:
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(place.sales(0, 4))
        records = read_committed(place.config, place.topic)
        publisher.commit(place.sales(4, 8))
        assert len(list(records)) == 4


def test_since_leaves_out_older_records(place: Place) -> None:
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(place.sales(0, 4))
        old = list(read_committed(place.config, place.topic))
        between = datetime.fromtimestamp(max(each.timestamp for each in old) / 1000 + 0.001, UTC)
        while datetime.now(UTC) <= between:
            pass
        publisher.commit(place.sales(4, 9))

    young = list(read_committed(place.config, place.topic, since=between))
    assert len(young) == 5
    assert set(young).isdisjoint(old)


def test_open_transaction_stalls_the_read_instead_of_hiding_later_records(place: Place) -> None:
    holder = place.holder()
    holder.init_transactions(PATIENCE)
    holder.begin_transaction()
    for partition in range(3):
        holder.produce(place.topic, b"open", partition=partition)
    assert holder.flush(PATIENCE) == 0
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(place.sales(0, 9))

    with pytest.raises(ReadStalledError, match=place.topic):
        list(read_committed(place.config, place.topic, idle_timeout=1))

    records = read_committed(place.config, place.topic, idle_timeout=PATIENCE)
    holder.abort_transaction(PATIENCE)
    assert len(list(records)) == 9


def test_read_waits_for_a_proven_end_that_the_leader_does_not_show_yet(place: Place) -> None:
    producer = plain_producer(place)
    producer.produce(place.topic, b"first", partition=0)
    assert producer.flush(PATIENCE) == 0

    def read(idle_timeout: float) -> Iterator[Record]:
        proven = {0: 2, 1: 1, 2: 0}
        return read_committed(
            place.config, place.topic, proven_ends=lambda _: proven, idle_timeout=idle_timeout
        )

    with pytest.raises(ReadStalledError, match=r"\[0, 1\]"):
        list(read(idle_timeout=1))

    records = read(idle_timeout=PATIENCE)
    seen = [next(records)]
    for partition in (0, 1, 2):
        producer.produce(place.topic, b"next", partition=partition)
    assert producer.flush(PATIENCE) == 0
    seen += records
    assert sorted((each.partition, each.value) for each in seen) == [
        *((0, b"first"), (0, b"next")),
        (1, b"next"),
    ]


def test_read_waits_for_its_first_record_if_the_leader_does_not_have_it_yet(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = plain_producer(place)

    class Catching(Consumer):
        """A consumer whose leader catches up after the read has asked it in vain."""

        asked = 0

        def assign(self, partitions: list[TopicPartition]) -> None:
            for _ in range(4 * self.asked):
                producer.produce(place.topic, b"late", partition=0)
            assert producer.flush(PATIENCE) == 0
            self.asked += 1
            super().assign(partitions)

    monkeypatch.setattr(reader, "Consumer", Catching)
    records = reader.consume(place.config, place.topic, {0: 2}, {0: 4}, PATIENCE)
    assert [each.offset for each in records] == [2, 3]


def test_malformed_records_are_counted(place: Place) -> None:
    producer = plain_producer(place)
    for value in (b"", b"{", b'{"id_evento": 1}', None):
        producer.produce(place.topic, value)
    [sale] = place.sales(0, 1)
    producer.produce(place.topic, encode(sale))
    producer.produce(place.topic, encode(sale))
    assert producer.flush(PATIENCE) == 0

    ids = ids_of_run(place.config, place.topic, place.corrida)

    assert ids.times == {sale.id_evento: 2}
    assert ids.malformed == 4
