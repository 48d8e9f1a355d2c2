"""The stack under test as a person has it: Airflow's windows, Druid's rows, processes to kill."""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psutil
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.compute_v1 import InstancesClient

from include.druid.client import DruidError
from include.druid.health import SERVERS_SQL, missing_servers
from include.druid.queries import read_query
from include.druid.supervisor import is_running
from include.stack import airflow, security, supervision
from include.stack.airflow import PROJECT_ID, VM_NAME, ZONE
from include.stack.airflow_api import AirflowApi, AirflowApiError
from include.stack.settings import Settings

WINDOW, PUBLISH = "sales_window", "publish_sales"
ENDED = ("success", "failed")

_VM: Any = {"project": PROJECT_ID, "zone": ZONE, "instance": VM_NAME}
_INTERVAL = 0.1

#: A task's process, and that of the executor which watches over it.
_TASK, _EXECUTOR = "airflow worker -- ", "airflow worker -- LocalExecutor"


class ChaosError(RuntimeError):
    """What was waited for did not happen; the message says what."""


class Lab:
    """A running stack, with what the scenarios do to it and look at."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.druid = security.druid_client(settings, timeout=3, retries=0)
        self.kafka: dict[str, Any] = {
            **security.kafka_config(settings),
            "log_level": "2",
        }
        self._api: AirflowApi | None = None

    @property
    def api(self) -> AirflowApi:
        """A logged-in client; the login is kept over restarts of the API server."""
        if self._api is None:
            user, password = airflow.USER, airflow.password(self.settings)
            self._api = AirflowApi(self.settings.url("airflow"), user, password)
        return self._api

    # -- windows -----------------------------------------------------------------------------

    def open_window(self, minutes: float) -> str:
        """Trigger a window of a sale every 1-2 s; returns its run once Druid shows its sales."""
        self.until(lambda: bool(self.api.dag(WINDOW)), "Airflow's DAGs", 120)
        self.api.set_paused(WINDOW, False)
        conf = {"duration_minutes": minutes, "keep_vm": True}
        run = self.api.trigger(WINDOW, conf)
        self.api.make_way(WINDOW, run)
        self.until(lambda: self.rows(run) > 0, f"the first sale of window {run} in Druid", 240)
        return run

    def is_selling(self, run: str) -> bool:
        """Whether the window's long task runs."""
        return self._state(run, PUBLISH) == "running"

    def end_of(self, run: str, seconds: float) -> str:
        """Wait for a window's end; returns its state."""
        self.until(lambda: self.api.run_state(WINDOW, run) in ENDED, f"the end of {run}", seconds)
        return self.api.run_state(WINDOW, run)

    def _state(self, run: str, task: str) -> str | None:
        tasks = self.api.tasks(WINDOW, run)
        return next((str(t["state"]) for t in tasks if t["task_id"] == task), None)

    # -- rows --------------------------------------------------------------------------------

    def rows(self, run: str) -> int:
        """Rows of a run that Druid shows now; 0 while it does not answer."""
        try:
            [found] = self.druid.sql(read_query("reconcile/rows", "ventas"), [run], timeout=3)
        except DruidError:
            return 0
        return int(found["filas"])

    def newest(self, run: str) -> float:
        """Greatest ``ts`` of a run's rows that Druid shows, in Unix time; 0 without any."""
        query = 'SELECT MAX("__time") AS ts FROM ventas WHERE corrida = ?'
        try:
            [found] = self.druid.sql(query, [run], timeout=3)
        except DruidError:
            return 0.0
        # Over no rows, MAX of a time is the beginning of Druid's.
        return datetime.fromisoformat(found["ts"]).timestamp() if found["ts"] else 0.0

    def is_whole(self) -> bool:
        """Whether Druid has a server of each kind and its supervisor's tasks read the topic."""
        try:
            servers = self.druid.sql(SERVERS_SQL, timeout=3)
            status = self.druid.supervisor_status("ventas")
        except DruidError:
            return False
        return is_running(status) and not missing_servers(row["server_type"] for row in servers)

    # -- processes and the VM ----------------------------------------------------------------

    def kill(self, *names: str) -> None:
        """SIGKILL processes of supervisord, which starts them again."""
        for pid in self._pids(*names):
            os.kill(pid, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Signal a process of supervisord."""
        for pid in self._pids(name):
            os.kill(pid, number)

    def stop(self, name: str) -> None:
        """Have supervisord stop a process for good."""
        with supervision.supervisor(self.settings) as rpc:
            rpc.stopProcess(f"{self._group(name)}:{name}", True)

    def start(self, name: str) -> None:
        """Have supervisord start a process that it stopped."""
        with supervision.supervisor(self.settings) as rpc:
            rpc.startProcess(f"{self._group(name)}:{name}", False)

    def kill_all(self) -> None:
        """SIGKILL every process of the stack, supervisord first: nothing is started again."""
        everything = supervision.marked_processes(self.settings)
        for process in sorted(everything, key=lambda p: "supervisord" not in " ".join(p.cmdline())):
            process.kill()
        psutil.wait_procs(everything, timeout=20)

    def kill_tasks(self) -> None:
        """SIGKILL the processes in which Airflow's tasks run now, as it names them."""
        for process in supervision.marked_processes(self.settings):
            title = " ".join(process.cmdline())
            if title.startswith(_TASK) and not title.startswith(_EXECUTOR):
                process.kill()

    def stop_vm(self) -> None:
        """Stop the VM, and with it Druid, as someone would in Google's console."""
        self._instances().stop_unary(**_VM)
        self.until(lambda: self._vm() == "TERMINATED", "the VM's stop", 120)

    def start_vm(self) -> None:
        """Start the VM."""
        self._instances().start_unary(**_VM)

    def until(self, ready: Callable[[], bool], what: str, seconds: float) -> float:
        """Wait; returns the seconds that it took.

        Raises:
            ChaosError: it did not come true in time.
        """
        began = time.monotonic()
        while True:
            try:
                if ready():
                    return time.monotonic() - began
            except AirflowApiError as error:
                told = f" ({error})"
            else:
                told = ""
            if time.monotonic() - began > seconds:
                raise ChaosError(f"{what} did not come within {seconds:g} s{told}")
            time.sleep(_INTERVAL)

    def scheduler_beat(self) -> float:
        """When the scheduler was last heard of, in Unix time."""
        health: dict[str, Any] = self.api.health()
        beat = health["scheduler"]["latest_scheduler_heartbeat"]
        return datetime.fromisoformat(beat).timestamp() if beat else 0.0

    def _pids(self, *names: str) -> list[int]:
        states = supervision.process_states(self.settings)
        return [process["pid"] for process in states if process["name"] in names]

    def _group(self, name: str) -> str:
        states = supervision.process_states(self.settings)
        return next(str(process["group"]) for process in states if process["name"] == name)

    def _instances(self) -> InstancesClient:
        return InstancesClient(
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.settings.url("compute")},
        )

    def _vm(self) -> str:
        try:
            return str(self._instances().get(**_VM).status)
        except NotFound:
            return "missing"


def now() -> datetime:
    """The moment from which a round's records are read."""
    return datetime.now(UTC)
