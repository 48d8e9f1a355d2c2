"""Druid's offsets do not exist in the topic: reported at once, and reset only on request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from include.druid.client import DruidClient
from include.druid.queries import for_datasource
from include.sales.event import Venta, encode
from include.stream.reader import offsets_of
from include.stream.topics import Admin, TopicMissingError, describe_topic, ensure_topic
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import Place
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator

pytestmark = pytest.mark.usefixtures("connections")

Context: Any = {"ti": None}


def publish(place: Place, sales: list[Venta], partition: int) -> None:
    """Publish without transactions, so that every offset is a record."""
    producer = Producer({**place.config, "acks": "all"})
    for sale in sales:
        producer.produce(place.topic, encode(sale), sale.id_venta, partition=partition)
    assert producer.flush(20) == 0


def submit(place: Place, *, reset_offsets: bool = False) -> None:
    SubmitSupervisorOperator(
        task_id="submit",
        topic=place.topic,
        datasource=place.topic,
        reset_offsets=reset_offsets,
        deferrable=False,
        timeout=300,
    ).execute(Context)


def suspend(place: Place, rows: int) -> None:
    published: dict[str, Any] = {"run": place.corrida, "committed": rows}
    SuspendSupervisorOperator(
        task_id="suspend",
        datasource=place.topic,
        published=published,
        deferrable=False,
        timeout=180,
    ).execute(Context)


@pytest.fixture
def read(place: Place, druid: DruidClient) -> Iterator[Place]:
    """A topic that Druid has read up to offsets 30, 20 and 0, and whose supervisor is suspended."""
    publish(place, place.sales(0, 30), partition=0)
    publish(place, place.sales(30, 50), partition=1)
    submit(place)
    wait_for_rows(druid, place.topic, 50)
    suspend(place, 50)
    yield place
    remove_supervisor(druid, place.topic)


def make_again(place: Place) -> None:
    admin = Admin(place.config)

    def is_gone() -> bool:
        try:
            describe_topic(admin, place.topic)
        except TopicMissingError:
            return True
        return False

    admin.delete_topics([place.topic])[place.topic].result(20)
    wait_until(is_gone, "the topic's end", 300)
    ensure_topic(place.config, place.topic, partitions=3)


def numbers(druid: DruidClient, place: Place) -> list[int]:
    query = for_datasource('SELECT secuencia FROM "{datasource}"', place.topic)
    return sorted(row["secuencia"] for row in druid.sql(query))


def test_topic_created_again_is_reported_and_on_request_read_from_its_beginning(
    read: Place, druid: DruidClient
) -> None:
    make_again(read)
    publish(read, read.sales(100, 105), partition=0)
    # More records than the old topic had: Druid, at the old offset, would skip 20 of them.
    publish(read, read.sales(105, 130), partition=1)

    began = time.monotonic()
    with pytest.raises(AirflowFailException, match=r"partition 0 at 30 of 5.*created again"):
        submit(read)
    assert time.monotonic() - began < 30

    submit(read, reset_offsets=True)
    wait_for_rows(druid, read.topic, 50 + 30)
    assert numbers(druid, read) == [*range(50), *range(100, 130)]
    suspend(read, 50 + 30)
    assert numbers(druid, read) == [*range(50), *range(100, 130)]


def test_records_deleted_unread_are_reported_and_on_request_skipped(
    read: Place, druid: DruidClient
) -> None:
    publish(read, read.sales(50, 80), partition=0)
    publish(read, read.sales(80, 90), partition=1)
    kept = TopicPartition(read.topic, 0, 55)
    admin = AdminClient({**read.config})
    admin.delete_records([kept])[kept].result(20)
    assert offsets_of(read.config, read.topic)[0] == (55, 60)

    with pytest.raises(
        AirflowFailException, match=r"before Druid read them: 25 of partition 0 \(30 to 54\)"
    ):
        submit(read)

    submit(read, reset_offsets=True)
    wait_for_rows(druid, read.topic, 50 + 5 + 10)
    assert numbers(druid, read) == [*range(50), *range(75, 80), *range(80, 90)]
