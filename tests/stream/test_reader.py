from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer

from include.sales.event import encode
from include.stream.reader import ReadStalledError, ids_of_run, read_committed
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
