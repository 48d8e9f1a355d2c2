"""The producer with librdkafka's mock cluster, and with an absent broker."""

import threading
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from include.stream import transactions
from include.stream.errors import KafkaRefusedError
from include.stream.transactions import (
    OutOfTimeError,
    TransactionalProducer,
)

NOWHERE = {"bootstrap.servers": "127.0.0.1:1"}


class MockCluster:
    """librdkafka's mock cluster; it lives in a client of its own and vanishes with that client."""

    def __init__(self) -> None:
        self._keeper: Producer | None = Producer(
            {"bootstrap.servers": "mock", "test.mock.num.brokers": 1}
        )
        [broker] = self._keeper.list_topics(timeout=10).brokers.values()
        self.config = {"bootstrap.servers": f"{broker.host}:{broker.port}"}

    def vanish(self) -> None:
        self._keeper = None


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    cluster = MockCluster()
    yield cluster
    cluster.vanish()


def producer(
    config: dict[str, str], timeout: float = 20, stop: threading.Event | None = None
) -> TransactionalProducer:
    stop = stop or threading.Event()
    return TransactionalProducer(config, transactional_id="t", timeout=timeout, stopped=stop.is_set)


def values(config: dict[str, str], topic: str, expected: int) -> list[bytes]:
    consumer = Consumer({**config, "group.id": "g", "auto.offset.reset": "earliest"})
    try:
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        consumer.assign([TopicPartition(topic, each, 0) for each in metadata.partitions])
        return sorted(message.value() or b"" for message in consumer.consume(expected, timeout=10))
    finally:
        consumer.close()


def test_records_of_several_topics_are_sent_in_one_transaction(cluster: MockCluster) -> None:
    it = producer(cluster.config)
    it.init()
    it.send([("a", b"k1", b"v1"), ("a", b"k2", b"v2"), ("b", b"k", b"w")])
    it.close()

    assert values(cluster.config, "a", 2) == [b"v1", b"v2"]
    assert values(cluster.config, "b", 1) == [b"w"]


def test_batch_larger_than_the_clients_queue_is_sent_completely(cluster: MockCluster) -> None:
    it = producer(cluster.config | {"queue.buffering.max.messages": "10"})
    it.init()
    it.send([("a", b"k", b"%03d" % n) for n in range(100)])
    it.close()

    assert values(cluster.config, "a", 100) == [b"%03d" % n for n in range(100)]


def test_init_gives_up_an_absent_broker_after_the_timeout() -> None:
    it = producer(NOWHERE, timeout=0.5)
    with pytest.raises(OutOfTimeError, match="refused") as caught:
        it.init()
    assert caught.value.waited >= 0.5


def test_send_after_losing_the_broker_times_out_with_nothing_in_doubt(
    cluster: MockCluster,
) -> None:
    it = producer(cluster.config)
    it.init()
    it.send([("a", b"k", b"v")])
    cluster.vanish()
    it._timeout = 0.5

    with pytest.raises(OutOfTimeError) as caught:
        it.send([("a", b"k", b"w")])
    it.close()

    assert not caught.value.in_doubt
    assert caught.value.waited >= 0.5


def test_a_stop_ends_the_wait_for_a_lost_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "STOP_GRACE", 0.3)
    stop = threading.Event()
    it = producer(NOWHERE, timeout=60, stop=stop)
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(OutOfTimeError) as caught:
        it.init()
    assert caught.value.waited < 60, "the time-out without a stop"


def test_closed_producer_refuses_to_send() -> None:
    it = producer(NOWHERE)
    it.close()
    it.close()
    with pytest.raises(ValueError, match="closed"):
        it.send([("a", b"k", b"v")])


class Faulty:
    """Client whose first commits fail with the given errors; all else goes to the real client."""

    def __init__(self, client: Producer, errors: Iterator[KafkaError]) -> None:
        self._real = client
        self._errors = errors
        self.begun = 0

    def begin_transaction(self) -> None:
        self.begun += 1
        self._real.begin_transaction()

    def commit_transaction(self, timeout: float) -> None:
        for error in self._errors:
            raise KafkaException(error)
        self._real.commit_transaction(timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def faulty(it: TransactionalProducer, errors: Iterable[KafkaError]) -> Faulty:
    assert it._producer is not None
    client = Faulty(it._producer, iter(errors))
    it._producer = client  # type: ignore[assignment]
    return client


def test_unanswered_commit_leaves_the_transaction_in_doubt(
    cluster: MockCluster, caplog: pytest.LogCaptureFixture
) -> None:
    it = producer(cluster.config)
    it.init()
    it._timeout = 0.5
    faulty(it, repeat(KafkaError(KafkaError._TIMED_OUT, "no answer", retriable=True)))

    with pytest.raises(OutOfTimeError) as caught:
        it.send([("a", b"k", b"v")])
    it.close()

    assert caught.value.in_doubt
    assert "The broker will settle" in caplog.text


def test_aborted_transaction_is_retried_by_a_new_client(cluster: MockCluster) -> None:
    it = producer(cluster.config)
    it.init()
    aborting = KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE, "x", txn_requires_abort=True)
    client = faulty(it, [aborting])

    it.send([("a", b"k", b"v")])

    assert (client.begun, it.aborted) == (1, 1)
    assert not isinstance(it._producer, Faulty)
    it.close()


def test_commit_is_repeated_while_its_error_is_retriable(cluster: MockCluster) -> None:
    it = producer(cluster.config)
    it.init()
    passing = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, "y", retriable=True)
    client = faulty(it, [passing])

    it.send([("a", b"k", b"v")])
    it.close()

    assert client.begun == 1


@pytest.mark.parametrize(("doubt", "clients"), [(0.0, 2), (float("inf"), 1)])
def test_client_is_replaced_if_the_last_commit_may_have_been_sent_twice(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch, doubt: float, clients: int
) -> None:
    monkeypatch.setattr(transactions, "_DOUBT", doubt)
    renewals: list[Producer | None] = []
    it = producer(cluster.config)
    it._renewed = lambda: renewals.append(it._producer)
    it.init()
    first = it._producer

    it.send([("a", b"k", b"v")])
    assert it._producer is first
    it.send([("a", b"k", b"w")])

    assert len({first, it._producer}) == clients
    assert renewals == [it._producer][: clients - 1]
    it.close()
    assert values(cluster.config, "a", 2) == [b"v", b"w"]


def test_ends_are_past_every_record_and_the_producer_goes_on(cluster: MockCluster) -> None:
    it = producer(cluster.config)
    it.init()
    first = it._producer
    it.send([("a", b"k", b"v"), ("a", b"k", b"w"), ("b", b"k", b"x")])
    before = it.ends("a", range(4))

    it.send([("a", b"k", b"y")])

    [(partition, end)] = [found for found in before.items() if found[1]]
    assert end >= 2, "the two records are before it, and the end of their transaction"
    assert it.ends("a", [partition])[partition] > end
    assert it._producer is first
    it.close()


class Silent(Faulty):
    """Client whose first records are delivered without a report of their offsets."""

    def produce(self, *arguments: Any, **options: Any) -> None:
        self._real.produce(*arguments, **{**options, "on_delivery": None})


def test_ends_are_asked_again_by_a_new_client_if_an_offset_is_missing(cluster: MockCluster) -> None:
    it = producer(cluster.config)
    it.init()
    assert it._producer is not None
    client = Silent(it._producer, iter(()))
    it._producer = client  # type: ignore[assignment]

    assert it.ends("a", [0])[0] > 0, "the first client's record is before it"

    assert client.begun == 1
    assert not isinstance(it._producer, Silent)
    it.close()


def test_ends_are_asked_again_by_a_new_client_if_the_abort_may_have_been_sent_twice(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = producer(cluster.config)
    it.init()
    first = it._producer
    replace = it._replace

    def replace_and_answer_at_once() -> None:
        monkeypatch.setattr(transactions, "_DOUBT", float("inf"))
        replace()

    monkeypatch.setattr(transactions, "_DOUBT", 0.0)
    monkeypatch.setattr(it, "_replace", replace_and_answer_at_once)

    assert it.ends("a", [0])[0] > 0, "the first client's record is before it"
    assert it._producer is not first
    it.close()


def test_ends_asked_while_a_client_is_renewed_do_not_prolong_the_transaction(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    aborting = KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE, "x", txn_requires_abort=True)
    monkeypatch.setattr(
        transactions, "Producer", lambda config: Faulty(Producer(config), repeat(aborting))
    )
    it = producer(cluster.config, timeout=1)
    monkeypatch.setattr(it, "_renewed", lambda: it.ends("ledger", [0]))
    it.init()

    with pytest.raises(OutOfTimeError):
        it.send([("a", b"k", b"v")])
    assert it.aborted
    it.close()


def test_missing_acl_is_raised_at_once(cluster: MockCluster) -> None:
    it = producer(cluster.config)
    it.init()
    faulty(it, [KafkaError(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "denied", fatal=True)])

    with pytest.raises(
        KafkaRefusedError,
        match="publish in a transaction: give that user the ACLs",
    ):
        it.send([("a", b"k", b"v")])
