"""Helpers that wait for rows in Druid, and that suspend or remove a test's supervisor and tasks."""

from include.druid.client import DruidClient, DruidError
from include.druid.queries import for_datasource
from include.druid.supervisor import unfinished_tasks
from include.waiting import wait_until


def suspend_supervisor(druid: DruidClient, name: str) -> None:
    """Suspend a supervisor that has tasks, once it knows when they started.

    Before, Druid ends a task as failed, and the rows that it has read are not published.
    """

    def known() -> bool:
        tasks = druid.supervisor_status(name)["activeTasks"]
        return bool(tasks) and all(task.get("startTime") for task in tasks)

    wait_until(known, "the start times of the tasks", 300, errors=DruidError)
    druid.suspend_supervisor(name)


def remove_supervisor(druid: DruidClient, name: str) -> None:
    druid._supervisor("POST", name, "terminate")
    # Its task would run until the end of its hour, in a slot that other tests need.
    kill_tasks(druid, name)


def kill_tasks(druid: DruidClient, datasource: str) -> None:
    """End the tasks of a datasource as failed; the rows that they have read are not published."""
    for task in unfinished_tasks(druid.tasks(datasource)):
        druid._request("POST", f"/druid/indexer/v1/task/{task}/shutdown")


def wait_for_rows(
    druid: DruidClient, datasource: str, count: int, corrida: str | None = None
) -> None:
    """Wait until Druid has `count` rows in a datasource, or `count` rows of a run."""
    query = for_datasource('SELECT COUNT(*) AS n FROM "{datasource}"', datasource)
    if corrida is not None:
        query += " WHERE corrida = ?"

    def there() -> bool:
        found = druid.sql(query, [] if corrida is None else [corrida])[0]["n"]
        return bool(found == count)

    wait_until(there, f"{count} rows in Druid", 300, errors=DruidError)
