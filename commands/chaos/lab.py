"""The stack under test: open windows in Airflow, count rows in Druid, kill and stop processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psutil
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.compute_v1 import InstancesClient
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from commands.chaos.processes import kill
from include.druid.client import DruidError
from include.druid.health import missing_services
from include.druid.queries import SQL, for_datasource, read_query
from include.druid.supervisor import is_running
from include.names import DATASOURCE, WINDOW_DAG
from include.stack import airflow, airflow_database, security, supervision
from include.stack.airflow import PROJECT_ID, VM_NAME, ZONE
from include.stack.airflow_api import AirflowApi, AirflowApiError
from include.stack.settings import Settings
from include.waiting import wait_until

_VM: Any = {"project": PROJECT_ID, "zone": ZONE, "instance": VM_NAME}
_INTERVAL = 0.1
_OPENING = 600.0
"""Seconds to wait for a window's DAG and for its first sale: a busy machine starts Druid slowly."""
_NEWEST = 'SELECT MAX("__time") AS ts FROM "{datasource}" WHERE corrida = ?'

#: Titles of a task's process and of the executor's worker that supervises it.
_TASK, _EXECUTOR = "airflow worker -- ", "airflow worker -- LocalExecutor"


#: Statements that lock Airflow's database, by SQLAlchemy's name of the kind of database.
_LOCKS = {
    "sqlite": "BEGIN EXCLUSIVE",
    "postgresql": "LOCK TABLE dag_run, task_instance, job, trigger IN ACCESS EXCLUSIVE MODE",
}


class ChaosError(RuntimeError):
    """A window is not in the state that a scenario needs or promises; the message names it."""


class Lab:
    """A running stack, with the actions and observations of the scenarios.

    Args:
        settings: the stack.
        timeout: seconds after which a request to Druid counts as not answered.
    """

    def __init__(self, settings: Settings, timeout: float = 3) -> None:
        self.settings = settings
        self._timeout = timeout
        self.druid = security.druid_client(settings, timeout=timeout, retries=0)
        self.kafka: dict[str, Any] = {
            **security.kafka_config(settings),
            "log_level": "2",
        }
        self._api: AirflowApi | None = None

    @property
    def api(self) -> AirflowApi:
        """A logged-in client; its login stays valid over restarts of the API server."""
        if self._api is None:
            user, password = airflow.USER, airflow.password(self.settings)
            self._api = AirflowApi(self.settings.url("airflow"), user, password)
        return self._api

    # -- windows -----------------------------------------------------------------------------

    def open_window(self, minutes: float) -> str:
        """Trigger a window with a sale every 1-2 s; return its run once Druid shows a sale."""
        self.until(lambda: bool(self.api.dag(WINDOW_DAG)), "Airflow's DAGs", _OPENING)
        self.api.set_paused(WINDOW_DAG, False)
        conf = {"duration_minutes": minutes, "keep_vm": True}
        run = self.api.trigger(WINDOW_DAG, conf)
        self.api.make_way(WINDOW_DAG, run)
        sold = f"the first sale of window {run} in Druid"
        self.until(lambda: self.rows(run) > 0, sold, _OPENING)
        return run

    def end_of(self, run: str, seconds: float) -> str:
        """Wait for the end of a window and return its state."""
        return self.api.wait_for_end(WINDOW_DAG, run, seconds)

    # -- rows --------------------------------------------------------------------------------

    def rows(self, run: str) -> int:
        """Return the number of a run's rows that Druid shows now; 0 while it does not answer."""
        try:
            [found] = self.druid.sql(
                read_query(SQL / "reconcile" / "rows.sql", DATASOURCE), [run], timeout=self._timeout
            )
        except DruidError:
            return 0
        return int(found["row_count"])

    def newest(self, run: str) -> float:
        """Return the greatest ``ts`` of a run's rows in Druid, in Unix time; 0 without rows."""
        query = for_datasource(_NEWEST, DATASOURCE)
        try:
            [found] = self.druid.sql(query, [run], timeout=self._timeout)
        except DruidError:
            return 0.0
        # Without rows, MAX is null.
        return datetime.fromisoformat(found["ts"]).timestamp() if found["ts"] else 0.0

    def is_whole(self) -> bool:
        """Return whether Druid has a server of each kind and its tasks read the topic."""
        try:
            status = self.druid.supervisor_status(DATASOURCE)
        except DruidError:
            return False
        return is_running(status) and not missing_services(self.druid)

    # -- processes and the VM ----------------------------------------------------------------

    def kill(self, *names: str) -> None:
        """SIGKILL processes by name; supervisord starts them again."""
        kill(self.processes(*names))

    def processes(self, *names: str) -> list[psutil.Process]:
        """Return the processes of supervisord with these names that run now."""
        found = []
        for state in supervision.process_states(self.settings):
            # The id of a process that does not run is 0.
            if state["name"] in names and state["pid"]:
                with suppress(psutil.NoSuchProcess):
                    found.append(psutil.Process(state["pid"]))
        return found

    def is_starting(self, name: str) -> bool:
        """Return whether supervisord has started a process within its last second (startsecs)."""
        states = supervision.process_states(self.settings)
        return any(it["name"] == name and it["statename"] == "STARTING" for it in states)

    def stop(self, name: str) -> None:
        """Let supervisord stop a process; it stays off until `start`."""
        with supervision.supervisor(self.settings) as rpc:
            rpc.stopProcess(f"{self._group(name)}:{name}", True)

    def start(self, name: str) -> None:
        """Let supervisord start a process that it stopped."""
        with supervision.supervisor(self.settings) as rpc:
            rpc.startProcess(f"{self._group(name)}:{name}", False)

    def kill_all(self) -> None:
        """SIGKILL every process of the stack, supervisord first, so that it restarts none."""
        everything = supervision.marked_processes(self.settings)
        for process in sorted(everything, key=lambda p: "supervisord" not in " ".join(p.cmdline())):
            process.kill()
        psutil.wait_procs(everything, timeout=20)

    def task_processes(self) -> list[psutil.Process]:
        """Return the processes of Airflow's running tasks, which are known by their titles."""
        found = []
        for process in supervision.marked_processes(self.settings):
            with suppress(psutil.NoSuchProcess):
                title = " ".join(process.cmdline())
                if title.startswith(_TASK) and not title.startswith(_EXECUTOR):
                    found.append(process)
        return found

    def freeze_task(self, run: str, task: str) -> tuple[psutil.Process, psutil.Process]:
        """Stop (SIGSTOP) the process of a window's running task, and the worker that supervises it.

        Return both, so that `resume()` wakes them.
        """
        [instance] = [it for it in self.api.tasks(WINDOW_DAG, run) if it["task_id"] == task]
        [process] = [
            process
            for process in supervision.marked_processes(self.settings)
            # A title is followed by spaces, up to the length of the command line before it.
            if " ".join(process.cmdline()).startswith(f"{_TASK}{instance['id']}")
        ]
        worker = process.parent()
        if worker is None:
            raise ChaosError(f"the task {task} of {run} has no worker")
        # The worker first: it would report a stopped task's heartbeat.
        worker.suspend()
        process.suspend()
        return process, worker

    @contextmanager
    def database_locked(self) -> Iterator[None]:
        """Let nobody else read or write Airflow's database during the block."""
        engine = create_engine(airflow_database.url(self.settings), poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(_LOCKS[engine.dialect.name])
            yield
            connection.rollback()

    def stop_vm(self) -> None:
        """Stop the VM, and with it Druid, as a user does in Google's console."""
        self._instances().stop_unary(**_VM)
        # The window's task may have begun to start it again.
        self.until(lambda: self._vm() != "STOPPING", "the VM's stop", 120)

    def start_vm(self) -> None:
        self._instances().start_unary(**_VM)

    def until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until `ready` is true; the API server of Airflow may be away meanwhile.

        Raises:
            WaitTimeoutError: it did not come true within `seconds`; the message names `what`.
        """
        wait_until(ready, what, seconds, interval=_INTERVAL, errors=AirflowApiError)

    def beat(self, component: str) -> float:
        """Return the last heartbeat of "scheduler" or "triggerer" in Unix time; 0 without one."""
        beat = self.api.health()[component][f"latest_{component}_heartbeat"]
        return datetime.fromisoformat(beat).timestamp() if beat else 0.0

    def _group(self, name: str) -> str:
        states = supervision.process_states(self.settings)
        return next(str(process["group"]) for process in states if process["name"] == name)

    def _instances(self) -> InstancesClient:
        return InstancesClient(
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.settings.url("compute")},
        )

    def _vm(self) -> str:
        try:
            return str(self._instances().get(**_VM).status)
        except NotFound:
            return "missing"


def now() -> datetime:
    """Return the current time; a round's records are read from there on."""
    return datetime.now(UTC)
