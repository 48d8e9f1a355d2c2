"""A changed spec while sales flow: Druid replaces the tasks and has each event once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from include.druid.client import DruidClient, DruidError
from include.druid.queries import for_datasource
from include.druid.supervisor import supervisor_spec, unfinished_tasks
from include.sales.pace import Cadence
from include.stream.session import Published, WindowStoppedError, publish_window
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, suspend_supervisor, wait_for_rows
from tests.support.place import SEED, Place


def spec(place: Place, task_count: int, *, without: str = "") -> dict[str, Any]:
    made = supervisor_spec(
        place.config, topic=place.topic, datasource=place.topic, task_count=task_count
    )
    dimensions = made["spec"]["dataSchema"]["dimensionsSpec"]
    dimensions["dimensions"] = [it for it in dimensions["dimensions"] if it["name"] != without]
    return made


def publish(place: Place, stop: threading.Event) -> Published:
    """Publish sales until `stop` is set."""
    with (
        place.publisher(stopped=stop.is_set) as publisher,
        pytest.raises(WindowStoppedError) as stopped,
    ):
        publish_window(
            publisher,
            place.source(),
            until=timedelta(hours=1),
            pace=lambda _: Cadence(SEED, 0.02, 0.04),
            stop=stop,
        )
    return stopped.value.published


def ids(druid: DruidClient, place: Place) -> list[str]:
    query = for_datasource('SELECT id_evento FROM "{datasource}"', place.topic)
    return sorted(row["id_evento"] for row in druid.sql(query))


def test_changed_spec_replaces_the_tasks_without_loss_or_duplicates(
    place: Place, druid: DruidClient
) -> None:
    def tasks() -> set[str]:
        return set(unfinished_tasks(druid.tasks(place.topic)))

    def until(there: Callable[[], object], what: str) -> None:
        wait_until(there, what, 300, errors=DruidError)

    druid.submit_supervisor(spec(place, task_count=1))
    try:
        with ThreadPoolExecutor() as pool:
            stop = threading.Event()
            publishing = pool.submit(publish, place, stop)
            try:
                until(lambda: ids(druid, place), "the first row")
                before = tasks()
                druid.submit_supervisor(spec(place, task_count=2, without="cliente"))
                until(lambda: len(tasks() - before) == 2, "two new tasks")
            finally:
                stop.set()
            published = publishing.result()

        wait_for_rows(druid, place.topic, published.committed)
        expected = sorted(event.id_evento for event in place.events())
        assert len(set(expected)) == len(expected) == published.committed
        assert ids(druid, place) == expected

        # The same after the old and the new tasks have published their rows.
        suspend_supervisor(druid, place.topic)
        until(lambda: not tasks(), "the tasks' end")
        wait_for_rows(druid, place.topic, published.committed)
        assert ids(druid, place) == expected
    finally:
        remove_supervisor(druid, place.topic)
