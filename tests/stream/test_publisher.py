"""Transactions on a real broker: committed records are stored exactly once, and no others."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import OffsetSpec

from include.sales.event import decode, encode
from include.stream import reader, transactions
from include.stream.errors import KafkaUnreachableError
from include.stream.ledger import ResumeMismatchError, progress_of, read_entries, read_run
from include.stream.publisher import NotAcknowledgedError
from include.stream.reader import ids_of_run, read_committed
from include.stream.topics import Admin, TopicMissingError
from include.stream.transactions import ProducerFencedError, fence
from tests.support.place import PATIENCE, SEED, Place


def sequences(place: Place) -> list[int]:
    records = read_committed(place.config, place.topic)
    return sorted(decode(record.value or b"").secuencia for record in records)


def zombie(place: Place) -> Producer:
    """Return the producer of a try that died or hangs after it sent a sale, before its commit."""
    producer = place.holder(place.corrida)
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    [sale] = place.sales(0, 1)
    producer.produce(place.topic, encode(sale), sale.id_venta)
    assert producer.flush(PATIENCE) == 0
    return producer


def test_sales_and_their_ledger_are_visible_once_committed(place: Place) -> None:
    with place.publisher() as publisher:
        assert publisher.open().last == -1
        publisher.commit(place.sales(0, 1))
        publisher.commit(place.sales(1, 20))

    assert sequences(place) == list(range(20))
    by_id = {sale.id_evento: sale for sale in place.sales(0, 20)}
    assert ids_of_run(place.config, place.topic, place.corrida).times == dict.fromkeys(by_id, 1)
    progress = read_run(place.config, place.ledger_topic, place.corrida)
    assert progress == publisher.progress
    assert progress.total.importe_centavos == sum(s.importe_centavos for s in by_id.values())
    assert (progress.last, progress.seed) == (19, SEED)


def test_key_of_a_sale_is_its_id_and_key_of_an_entry_its_run(place: Place) -> None:
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(place.sales(0, 3))

    for record in read_committed(place.config, place.topic):
        assert record.key == decode(record.value or b"").id_venta.encode()
    for record in read_committed(place.config, place.ledger_topic):
        assert record.key == place.corrida.encode()


def test_open_transaction_of_an_earlier_try_is_invisible_and_its_zombie_fenced(
    place: Place,
) -> None:
    earlier = zombie(place)
    with place.publisher() as publisher:
        assert publisher.open().last == -1
        publisher.commit(place.sales(0, 2))
        assert sequences(place) == [0, 1]

        with pytest.raises(KafkaException) as caught:
            earlier.commit_transaction(PATIENCE)
        assert caught.value.args[0].fatal()


def test_fenced_publisher_raises(place: Place) -> None:
    with place.publisher() as first, place.publisher() as second:
        first.open()
        first.commit(place.sales(0, 1))
        assert second.open().last == 0
        with pytest.raises(ProducerFencedError, match=place.corrida):
            first.commit(place.sales(1, 2))
        second.commit(place.sales(1, 2))
    assert sequences(place) == [0, 1]


def test_fenced_run_can_be_resumed_but_its_earlier_publisher_commits_nothing(place: Place) -> None:
    with place.publisher() as earlier, place.publisher() as later:
        earlier.open()
        earlier.commit(place.sales(0, 2))
        fence(place.config, place.corrida, seconds=PATIENCE)
        with pytest.raises(ProducerFencedError, match="or the run was closed"):
            earlier.commit(place.sales(2, 3))
        assert later.open().last == 1
        later.commit(place.sales(2, 3))
    assert sequences(place) == [0, 1, 2]


def offsets_of_old_leader(
    _admin: Admin, partitions: list[TopicPartition], spec: OffsetSpec, *_: Any
) -> dict[int, int]:
    """List offsets as a broker that was isolated before the first record: there are none."""
    of_all = spec in (OffsetSpec.earliest(), OffsetSpec.latest())
    return {each.partition: 0 if of_all else -1 for each in partitions}


def test_resumed_publisher_sees_what_an_isolated_leader_does_not_list(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=PATIENCE)
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(place.sales(0, 7))
        committed = publisher.progress
    monkeypatch.setattr(reader, "_offsets", offsets_of_old_leader)

    assert read_run(place.config, place.ledger_topic, place.corrida, since=since).last == -1
    with place.publisher() as publisher:
        assert publisher.open(since=since) == committed
        assert publisher.chains(since=since).keys() == set(range(7))
        publisher.commit(place.sales(7, 8))

    monkeypatch.undo()
    assert sequences(place) == list(range(8)), "no reader gets the publishers' own records"


def test_publisher_that_renews_its_epoch_sees_what_an_isolated_leader_does_not_list(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_offsets", offsets_of_old_leader)
    with place.publisher() as first, place.publisher() as second:
        first.open()
        first.commit(place.sales(0, 1))
        first._producer._doubtful = True
        first.commit(place.sales(1, 2))
        first._producer._doubtful = True
        assert second.open().last == 1
        second.commit(place.sales(2, 3))
        with pytest.raises(ProducerFencedError, match="has published"):
            first.commit(place.sales(2, 3))


def test_publisher_that_renews_its_epoch_to_read_the_sales_ends_if_a_newer_one_has_published(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.publisher() as first, place.publisher() as second:
        first.open()
        first.commit(place.sales(0, 1))
        replace = first._producer._replace

        def overtaken() -> None:
            monkeypatch.undo()
            second.open()
            second.commit(place.sales(1, 2))
            replace()

        monkeypatch.setattr(first._producer, "_replace", overtaken)
        first._producer._doubtful = True
        with pytest.raises(ProducerFencedError, match="has published"):
            first.chains()


def test_closing_during_a_transaction_aborts_it(place: Place) -> None:
    publisher = place.publisher()
    publisher.open()
    publisher.commit(place.sales(0, 1))
    client = publisher._producer._client
    client.begin_transaction()
    publisher._producer._open = True
    client.produce(place.topic, b"half", b"k")
    client.flush(PATIENCE)
    publisher.close()

    # No transaction is open, so the read ends; only the committed sale is visible.
    assert sequences(place) == [0]


def test_runs_in_the_same_topic_are_counted_separately(place: Place) -> None:
    other = place._replace(corrida=f"{place.corrida} otra")
    for each, count in ((place, 3), (other, 5)):
        with each.publisher() as publisher:
            publisher.open()
            publisher.commit(each.sales(0, count))

    for each, count in ((place, 3), (other, 5)):
        assert read_run(each.config, each.ledger_topic, each.corrida).last == count - 1
        assert ids_of_run(each.config, each.topic, each.corrida).times.total() == count


def test_opening_with_another_seed_is_refused(place: Place) -> None:
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(place.sales(0, 1))
    with (
        place.publisher(seed=SEED + 1) as publisher,
        pytest.raises(ResumeMismatchError, match=f"seed {SEED}"),
    ):
        publisher.open()


def test_missing_ledger_topic_is_reported(place: Place) -> None:
    absent = place._replace(ledger_topic=f"{place.ledger_topic}-absent")
    with absent.publisher() as publisher, pytest.raises(TopicMissingError, match="absent"):
        publisher.open()


KILLED = Path(__file__).with_name("endless_producer.py")


def test_run_resumes_without_gap_or_duplicate_after_its_producer_was_killed(
    place: Place,
) -> None:
    for upto in (12, 30):
        with subprocess.Popen(
            [sys.executable, KILLED, place.config["bootstrap.servers"], *place[1:]],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            acknowledged = -1
            while acknowledged < upto:
                acknowledged = int(process.stdout.readline())
            process.kill()

    with place.publisher() as publisher:
        resumed_at = publisher.open().last + 1
        assert resumed_at > acknowledged
        publisher.commit(place.sales(resumed_at, resumed_at + 5))

    assert sequences(place) == list(range(resumed_at + 5))
    progress_of(place.corrida, read_entries(place.config, place.ledger_topic, place.corrida))


def test_broker_pause_shorter_than_the_delivery_timeout_is_survived(
    place: Place, broker: int
) -> None:
    asked = 0

    def stopped() -> bool:
        """Resume the broker at the fifth call; the publisher calls this only while it waits."""
        nonlocal asked
        asked += 1
        if asked == 5:
            os.kill(broker, signal.SIGCONT)
        return False

    def silence(transactions: int) -> None:
        nonlocal asked
        if transactions == 1:
            os.kill(broker, signal.SIGSTOP)
            asked = 0

    with place.publisher(stopped=stopped) as publisher:
        publisher.open()
        publisher.committed = silence
        publisher.commit(place.sales(0, 1))
        publisher.commit(place.sales(1, 2))
    assert asked >= 5
    assert sequences(place) == [0, 1]


class Clock:
    """Stand-in for `time` in `transactions`: each call of `monotonic` adds `leap` seconds."""

    def __init__(self) -> None:
        self.leap = 0.0
        self._leapt = 0.0

    def monotonic(self) -> float:
        self._leapt += self.leap
        return time.monotonic() + self._leapt

    sleep = staticmethod(time.sleep)


def test_lost_broker_fails_with_exact_counts_and_the_run_resumes_when_it_is_back(
    place: Place, broker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(transactions, "time", clock)
    publisher = place.publisher()
    publisher.open()
    publisher.commit(place.sales(0, 7))
    os.kill(broker, signal.SIGSTOP)
    clock.leap = PATIENCE / 3
    with pytest.raises(NotAcknowledgedError, match="7 records acknowledged, 2 not") as caught:
        publisher.commit(place.sales(7, 9))
    # close() returns although the broker does not answer.
    publisher.close()
    assert (caught.value.acknowledged, caught.value.unacknowledged) == (7, 2)

    with place.publisher() as again, pytest.raises(KafkaUnreachableError):
        again.open()

    clock.leap = 0.0
    os.kill(broker, signal.SIGCONT)
    with place.publisher() as publisher:
        resumed_at = publisher.open().last + 1
        assert resumed_at in ({7, 9} if caught.value.in_doubt else {7})
        publisher.commit(place.sales(resumed_at, 12))
    assert sequences(place) == list(range(12))
