"""Tasks that no worker has, told by answers that a Druid 33 gave."""

from __future__ import annotations

from typing import Any

import pytest

from include.druid.client import DruidClient, DruidError
from include.druid.lost_tasks import LostTasks, on_no_worker
from tests.unit.druid.support import RUNNING_TASKS, WORKERS, Router, running_task, worker

TASK = "index_kafka_ventas_eef6c923321712a_pifkoedp"
INDEXER = "127.0.0.1:19626"


def look(router: Router, running: list[dict[str, Any]], workers: list[dict[str, Any]]) -> None:
    """Script the answers of one more look."""
    for path, answer in ((RUNNING_TASKS, running), (WORKERS, workers)):
        router.answers.setdefault(("GET", path), []).append((200, answer))


def test_task_that_its_worker_lists_is_not_lost() -> None:
    assert on_no_worker([running_task(TASK, INDEXER)], [worker(INDEXER, TASK)]) == set()


def test_task_that_its_worker_does_not_list_is_on_no_worker() -> None:
    assert on_no_worker([running_task(TASK, INDEXER)], [worker(INDEXER)]) == {TASK}


def test_task_whose_worker_is_away_is_left_to_druids_own_cleanup() -> None:
    assert on_no_worker([running_task(TASK, INDEXER)], []) == set()
    assert on_no_worker([running_task(TASK, INDEXER)], [worker("10.0.0.9:8091")]) == set()


def test_task_of_a_middle_manager_is_found_although_it_has_its_own_port() -> None:
    running = [running_task(TASK, "10.0.0.5:8100")]
    assert on_no_worker(running, [worker("10.0.0.5:8091", TASK)]) == set()
    assert on_no_worker(running, [worker("10.0.0.5:8091")]) == {TASK}


def test_task_that_another_worker_lists_is_not_lost() -> None:
    workers = [worker(INDEXER), worker("10.0.0.9:8091", TASK)]
    assert on_no_worker([running_task(TASK, INDEXER)], workers) == set()


def test_task_that_no_worker_has_started_yet_is_not_lost() -> None:
    starting = running_task(TASK, INDEXER)
    starting["location"] = {"host": None, "port": -1, "tlsPort": -1}
    assert on_no_worker([starting], [worker(INDEXER)]) == set()


def test_task_is_lost_after_two_looks_in_a_row(router: Router) -> None:
    client, tasks = DruidClient(router.url), LostTasks()
    here, gone = worker(INDEXER, TASK), worker(INDEXER)
    for workers in ([gone], [here], [gone], [gone], [gone]):
        look(router, [running_task(TASK, INDEXER)], workers)
    assert [tasks.look(client, "ventas") for _ in range(5)] == [[], [], [], [TASK], [TASK]]
    assert router.asked[0].query == "datasource=ventas"


def test_look_that_druid_does_not_answer_keeps_the_suspects(router: Router) -> None:
    client, tasks = DruidClient(router.url, retries=0), LostTasks()
    running = [running_task(TASK, INDEXER)]
    router.on("GET", RUNNING_TASKS, (200, running), (503, {"error": "starting"}), (200, running))
    router.on("GET", WORKERS, (200, [worker(INDEXER)]))
    assert tasks.look(client, "ventas") == []
    with pytest.raises(DruidError, match="503"):
        tasks.look(client, "ventas")
    assert tasks.look(client, "ventas") == [TASK]
