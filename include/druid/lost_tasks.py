"""Find the tasks that Druid's overlord believes to run, although no worker runs them.

Druid 33 has such tasks if its overlord restarts, and then the worker: the new overlord learns a
task from the worker that runs it, but does not notice that the worker's successor lacks it
(https://github.com/apache/druid/pull/18510). The supervisor waits for the task, and nothing is
ingested.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from include.druid.client import DruidClient


class LostTasks:
    """The lost tasks of a datasource: those that two looks in a row find on no worker.

    A single look proves nothing, because a task that begins or ends may be known to the overlord
    and not to its worker for a moment.
    """

    def __init__(self) -> None:
        self._suspects: set[str] = set()

    def look(self, client: DruidClient, datasource: str) -> list[str]:
        """Return the ids of the tasks that are on no worker now, and were on none at the last look.

        Raises:
            DruidError: Druid does not answer, or refuses. The suspects of the last look remain.
        """
        tasks = client.tasks(datasource)
        suspects = on_no_worker(tasks, client.workers())
        lost = sorted(suspects & self._suspects)
        self._suspects = suspects
        return lost


def on_no_worker(
    tasks: Iterable[Mapping[str, Any]], workers: Iterable[Mapping[str, Any]]
) -> set[str]:
    """Return the ids of the running tasks that no worker lists, although one is on their host.

    If no worker is on a task's host, Druid itself fails the task after
    `druid.indexer.runner.taskCleanupTimeout`. The ports are not compared: a middle manager's task
    has its own.
    """
    hosts = set()
    listed: set[str] = set()
    for worker in workers:
        hosts.add(str(worker["worker"]["host"]).rpartition(":")[0])
        listed.update(worker["runningTasks"])
    return {
        str(task["id"]) for task in tasks if host_of(task) in hosts and task["id"] not in listed
    }


def host_of(task: Mapping[str, Any]) -> str:
    """Return the host on which a task runs, as the overlord believes; "" if it does not run."""
    if task["statusCode"] != "RUNNING" or task["runnerStatusCode"] != "RUNNING":
        return ""
    return str((task["location"] or {}).get("host") or "")
