"""Suspension of the ingestion on a real Druid, whatever happens to tasks meanwhile."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.druid.client import DruidClient
from include.druid.supervisor import Expected, is_running, missing_rows, supervisor_spec
from include.sales.bulk import evenly
from include.stack.processes import druid_deployment
from include.stack.settings import Settings
from include.stream.load import publish_load
from include.stream.session import Published
from include.stream.transactions import ProducerFencedError
from tests.support.druid import kill_tasks, remove_supervisor, wait_for_rows
from tests.support.place import Place
from ventas_airflow.operators.supervisor import SuspendSupervisorOperator
from ventas_airflow.runs import transactional_id

pytestmark = pytest.mark.usefixtures("connections")

SALES = 600


@pytest.fixture
def published(place: Place, druid: DruidClient) -> Iterator[Published]:
    spec = supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    druid.submit_supervisor(spec)
    start = datetime.now(UTC) - timedelta(minutes=5)
    with place.publisher() as publisher:
        published = publish_load(
            publisher,
            place.source(),
            sales=range(SALES),
            schedule=evenly(start, 100),
            until=datetime.now(UTC),
            stop=threading.Event(),
        )
    wait_for_rows(druid, place.topic, published.committed)
    yield published
    remove_supervisor(druid, place.topic)


def test_rows_of_a_task_killed_before_it_published_are_handed_off_by_another(
    stack: Settings,
    place: Place,
    published: Published,
    druid: DruidClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suspended = 0
    by_api = SuspendSupervisorOperator._suspend
    # A file in the place of the datasource's folder: no segment can be written to deep storage.
    segments = Path(druid_deployment(stack).folder) / "segments" / place.topic
    segments.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    segments.touch()

    def and_kill_at_first(operator: SuspendSupervisorOperator) -> bool:
        nonlocal suspended
        suspended += 1
        there = by_api(operator)
        if suspended == 1:
            kill_tasks(druid, place.topic)
            segments.unlink()
        return there

    monkeypatch.setattr(SuspendSupervisorOperator, "_suspend", and_kill_at_first)
    close(place)

    assert suspended == 2
    status = druid.supervisor_status(place.topic)
    assert status["suspended"]
    assert not is_running(status)
    lacking = missing_rows(druid, place.topic, Expected([place.corrida], published.committed))
    assert lacking == ""


def test_publisher_that_outlives_its_task_commits_nothing_after_the_hand_off(
    place: Place, druid: DruidClient
) -> None:
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    dag_id = suspend(place).dag_id
    try:
        with place.publisher(transactional_id=transactional_id(dag_id, place.corrida)) as orphan:
            orphan.open()
            orphan.commit(place.sales(0, 3))
            close(place)
            with pytest.raises(ProducerFencedError, match="or the run was closed"):
                orphan.commit(place.sales(3, 4))
        assert missing_rows(druid, place.topic, Expected([place.corrida], 3)) == ""
        assert len(place.events()) == 3
    finally:
        remove_supervisor(druid, place.topic)


def close(place: Place) -> None:
    dag_run = SimpleNamespace(run_id=place.corrida, run_after=datetime.now(UTC))
    context: Any = {"dag_run": dag_run, "ti": None}
    suspend(place).execute(context)


def suspend(place: Place) -> SuspendSupervisorOperator:
    return SuspendSupervisorOperator(
        task_id="cerrar",
        datasource=place.topic,
        ledger_topic=place.ledger_topic,
        deferrable=False,
        timeout=180,
    )
