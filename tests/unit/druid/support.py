"""A small HTTP server that stands for Druid's router and gives scripted answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from include.names import DATASOURCE, TOPIC
from tests.support.http_server import Answer, Request
from tests.support.http_server import serving as serving_http

SQL = "/druid/v2/sql"
SUPERVISORS = "/druid/indexer/v1/supervisor"
TASKS = "/druid/indexer/v1/tasks"
COORDINATOR = "/druid/coordinator/v1/config"
COMPACTION = f"{COORDINATOR}/compaction"
RULES = "/druid/coordinator/v1/rules"
TASK = "/druid/indexer/v1/task"
RUNNING_TASKS = "/druid/indexer/v1/runningTasks"
WORKERS = "/druid/indexer/v1/workers"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    body: Any
    headers: dict[str, str]


@dataclass
class Router:
    """Scripted answers by method and path, in order; the last one repeats; 404 for other paths.

    An answer is a status and a body: bytes are sent as they are, anything else as JSON.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    #: A test clears it to make the router hang before it answers.
    awake: threading.Event = field(default_factory=threading.Event)

    def on(self, method: str, path: str, *answers: tuple[int, Any]) -> None:
        self.answers[method, path] = list(answers)

    def times(self, method: str, path: str) -> int:
        return sum((a.method, a.path) == (method, path) for a in self.asked)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        scripted = self.answers.get((asked.method, asked.path), [(404, {"error": "no such path"})])
        return scripted.pop(0) if len(scripted) > 1 else scripted[0]


def status(
    detailed: str = "RUNNING", *, suspended: bool = False, errors: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a supervisor's status report, with the fields that the code reads."""
    if detailed in {"SUSPENDED", "PENDING"}:
        state = detailed
    else:
        lost = {"LOST_CONTACT_WITH_STREAM", "UNABLE_TO_CONNECT_TO_STREAM"}
        state = "UNHEALTHY_SUPERVISOR" if detailed in lost else "RUNNING"
    payload = {
        "dataSource": DATASOURCE,
        "stream": TOPIC,
        "healthy": state != "UNHEALTHY_SUPERVISOR",
        "suspended": suspended,
        "state": state,
        "detailedState": detailed,
        "activeTasks": [],
        "recentErrors": [
            {
                "timestamp": datetime.now(UTC).isoformat(),
                "exceptionClass": "KafkaException",
                "message": error,
            }
            for error in errors
        ],
    }
    return {"id": DATASOURCE, "payload": payload}


def running_task(task: str, address: str) -> dict[str, Any]:
    """Return a task in the overlord's list of running tasks, at an address ``host:port``."""
    host, _, port = address.rpartition(":")
    return {
        "id": task,
        "groupId": "index_kafka_ventas",
        "type": "index_kafka",
        "createdTime": "2026-12-01T03:42:31.659Z",
        "queueInsertionTime": "2026-12-01T03:43:41.003Z",
        "statusCode": "RUNNING",
        "status": "RUNNING",
        "runnerStatusCode": "RUNNING",
        "duration": -1,
        "location": {"host": host, "port": int(port), "tlsPort": -1},
        "dataSource": DATASOURCE,
        "errorMsg": None,
    }


def worker(address: str, *tasks: str) -> dict[str, Any]:
    """Return a worker in the overlord's list, at an address ``host:port``, which runs these tasks.

    An idle worker's entry has no ``currCapacityUsedByTaskType``, which the code does not read.
    """
    return {
        "worker": {
            "scheme": "http",
            "host": address,
            "ip": "localhost",
            "capacity": 4,
            "version": "0",
            "category": "_default_worker_category",
        },
        "currCapacityUsed": len(tasks),
        "currParallelIndexCapacityUsed": 0,
        "availabilityGroups": [],
        "runningTasks": list(tasks),
        "lastCompletedTaskTime": "2026-12-01T03:45:30.983Z",
    }


def reading(router: Router, task: str = "one", **begun: int) -> None:
    """Script one running task that began at these offsets of partitions ``p0``, ``p1``…"""
    offsets = {partition.removeprefix("p"): offset for partition, offset in begun.items()}
    numbers = {"startSequenceNumbers": {"partitionSequenceNumberMap": offsets}}
    running = {"id": task, "type": "index_kafka", "statusCode": "RUNNING"}
    router.on("GET", TASKS, (200, [running]))
    router.on("GET", f"{TASK}/{task}", (200, {"payload": {"ioConfig": numbers}}))


@contextmanager
def serving() -> Iterator[Router]:
    """Serve a router on a free port."""
    router = Router()
    router.awake.set()

    def answer(request: Request) -> Answer:
        parts = urlsplit(request.target)
        headers = dict(request.headers)
        found = router.answer(Asked(request.method, parts.path, parts.query, request.body, headers))
        router.awake.wait()
        return Answer(*found)

    with serving_http(answer) as router.url:
        try:
            yield router
        finally:
            router.awake.set()
