"""A client of Airflow's REST API, with the actions that a person can do in the UI."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import httpx

from include.waiting import Polling, wait_until

ENDED: Final = ("success", "failed")
"""States of a run that has ended."""

_BUSY_SECONDS: Final = 30.0
"""Seconds for which a request is repeated that Airflow could not do because its SQLite database was
locked (500, "Database error"). A POST is not repeated: it could take effect twice."""


class AirflowApiError(RuntimeError):
    """Airflow refused or did not answer; the message names the request."""


class AirflowApi:
    """A logged-in client of Airflow's API server.

    Args:
        url: base URL of the API server.
        user: name of a user of the auth manager.
        password: that user's password.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        login = self._answer("POST", "/auth/token", json={"username": user, "password": password})
        if login.is_error:
            raise AirflowApiError(f"Airflow at {url} refused the login of {user!r}: {login.text}")
        self.token = str(login.json()["access_token"])
        """The JWT; a browser sends it in its cookie ``_token``."""
        self._client.headers["Authorization"] = f"Bearer {self.token}"
        self._client.base_url = httpx.URL(f"{url}/api/v2")

    def dag(self, dag: str) -> dict[str, Any]:
        """Return a DAG's details, such as ``is_paused``."""
        return self._json("GET", f"/dags/{dag}")

    def import_errors(self) -> list[dict[str, Any]]:
        """Return the DAG files that Airflow could not import, each with its error."""
        errors: list[dict[str, Any]] = self._json("GET", "/importErrors")["import_errors"]
        return errors

    def set_paused(self, dag: str, paused: bool) -> None:
        self._json("PATCH", f"/dags/{dag}", json={"is_paused": paused})

    def active_runs(self, dag: str) -> list[str]:
        """Return the ids of the runs that are queued or running."""
        runs = self._json("GET", f"/dags/{dag}/dagRuns", params={"state": ["queued", "running"]})
        return [run["dag_run_id"] for run in runs["dag_runs"]]

    def run_states(self, dag: str) -> Counter[str]:
        """Count a DAG's last 100 runs by state."""
        runs = self._json(
            "GET", f"/dags/{dag}/dagRuns", params={"order_by": "-run_after", "limit": 100}
        )
        return Counter(run["state"] for run in runs["dag_runs"])

    def trigger(self, dag: str, conf: dict[str, Any], run_after: datetime | None = None) -> str:
        """Trigger a DAG by hand, to run at once or after a time, and return the run's id."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf}
        if run_after:
            body["run_after"] = run_after.isoformat()
        run = self._json("POST", f"/dags/{dag}/dagRuns", json=body)
        return str(run["dag_run_id"])

    def add_connection(self, name: str, fields: dict[str, Any]) -> None:
        """Add a connection with fields such as ``conn_type`` and ``host``."""
        self._json("POST", "/connections", json={"connection_id": name, **fields})

    def delete_connection(self, name: str) -> None:
        self._ok("DELETE", f"/connections/{name}")

    def run_state(self, dag: str, run: str) -> str:
        """Return the state of a run: queued, running, success or failed."""
        return str(self._json("GET", f"/dags/{dag}/dagRuns/{run}")["state"])

    def wait_for_end(self, dag: str, run: str, seconds: float) -> str:
        """Wait until a run ends, and return its state; the API server may restart meanwhile.

        Raises:
            WaitTimeoutError: it has not ended after so many seconds.
        """

        def ended() -> str:
            state = self.run_state(dag, run)
            return state if state in ENDED else ""

        what = f"the end of the run {run} of {dag}"
        return wait_until(ended, what, seconds, interval=0.5, errors=AirflowApiError)

    def make_way(self, dag: str, run: str) -> None:
        """Let a triggered run begin, by marking the scheduled runs before it as failed.

        Use it only on a stack for tests, where nobody needs the scheduled runs. Gives up after a
        minute.
        """
        for _ in Polling(60, interval=0.5):
            if self.run_state(dag, run) != "queued":
                return
            for other in self.active_runs(dag):
                if other.startswith("scheduled__"):
                    self.end_run(dag, other)

    def end_run(self, dag: str, run: str) -> None:
        """Mark a run as failed, as the UI's button does."""
        self._json("PATCH", f"/dags/{dag}/dagRuns/{run}", json={"state": "failed"})

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Return a run's task instances: task_id, task_display_name, state, try_number, …"""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances"
        found: list[dict[str, Any]] = self._json("GET", path)["task_instances"]
        return found

    def set_task_state(self, dag: str, run: str, task: str, state: str) -> None:
        """Set the state of a task instance, as the UI's button does."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}"
        self._json("PATCH", path, json={"new_state": state})

    def clear(self, dag: str, run: str, tasks: Sequence[str], *, downstream: bool) -> None:
        """Run tasks of an ended run again; with `downstream`, also all tasks after them."""
        body = {
            "dry_run": False,
            "dag_run_id": run,
            "task_ids": list(tasks),
            "include_downstream": downstream,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self._json("POST", f"/dags/{dag}/clearTaskInstances", json=body)

    def page(self, path: str) -> bytes:
        """Return the JSON of a route of the live page's API, such as "findings"."""
        url = self._client.base_url.join(f"/ventas/api/{path}")
        return self._ok("GET", str(url)).content

    def health(self) -> dict[str, Any]:
        """Return the status and the last heartbeat of each component."""
        return self._json("GET", "/monitor/health")

    def schedulers(self) -> int:
        """Return the number of schedulers that run, by their heartbeats."""
        jobs = self._json("GET", "/jobs?job_type=SchedulerJob&is_alive=true")["jobs"]
        return len(jobs)

    def xcom(self, dag: str, run: str, task: str) -> Any:
        """Return the value that a task returned, or None."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"
        answer = self._answer("GET", path)
        return answer.json()["value"] if answer.is_success else None

    def log(self, dag: str, run: str, task: str, try_number: int, map_index: int = -1) -> str:
        """Return a task's log as text: one event per line, an exception with its message."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{try_number}"
        content = self._json("GET", path, params={"full_content": True, "map_index": map_index})[
            "content"
        ]
        return "\n".join(_log_line(entry) for entry in content)

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._ok(method, path, **options).json()
        return found

    def _ok(self, method: str, path: str, **options: Any) -> httpx.Response:
        for _ in Polling(_BUSY_SECONDS if method != "POST" else 0.0, interval=0.5):
            answer = self._answer(method, path, **options)
            if not answer.is_server_error:
                break
        if answer.is_error:
            raise AirflowApiError(
                f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:500]}"
            )
        return answer

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise AirflowApiError(
                f"Airflow at {self._client.base_url} did not answer {method} {path}: {error}"
            ) from error


def _log_line(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    causes = [f"{e['exc_type']}: {e['exc_value']}" for e in entry.get("error_detail") or ()]
    return " ".join([str(entry.get("event", entry)), *causes])
