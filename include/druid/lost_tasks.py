"""Find the tasks that Druid's overlord believes to run, although no worker runs them.

Druid 33 has such tasks if its overlord restarts, and then a worker
(https://github.com/apache/druid/pull/18510). The new overlord learns a task from the worker that
runs it, and does not notice that the task is gone when the worker comes back without it. The
supervisor waits for the task, and nothing is ingested.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from include.druid.client import DruidClient


class LostTasks:
    """Finds the lost tasks of a datasource: in two looks in a row, no worker has them.

    One look is not enough: for a moment, the overlord may believe that a task runs which its worker
    has just ended.
    """

    def __init__(self) -> None:
        self._suspects: set[str] = set()

    def look(self, client: DruidClient, datasource: str) -> list[str]:
        """Return the ids of the tasks that no worker has now, nor had at the last look.

        Raises:
            DruidError: Druid does not answer, or refuses. The suspects of the last look remain.
        """
        tasks = client.running_tasks(datasource)
        suspects = on_no_worker(tasks, client.workers())
        lost = sorted(suspects & self._suspects)
        self._suspects = suspects
        return lost


def on_no_worker(
    running: Iterable[Mapping[str, Any]], workers: Iterable[Mapping[str, Any]]
) -> set[str]:
    """Return the ids of the running tasks that no worker has, although a worker is on their host.

    If no worker is on a task's host, Druid itself fails the task after
    `druid.indexer.runner.taskCleanupTimeout`. The ports are not compared, because a task of a
    middle manager has a port of its own.
    """
    hosts: set[str] = set()
    known: set[str] = set()
    for worker in workers:
        hosts.add(str(worker["worker"]["host"]).rpartition(":")[0])
        known.update(worker["runningTasks"])
    # Until a worker has started a task, the task's host is null.
    return {str(task["id"]) for task in running if task["location"]["host"] in hosts} - known
