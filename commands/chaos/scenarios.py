"""The chaos scenarios: the harm to the stack while it sells, and the recovery that is measured.

`harm` returns the moment from which the recovery is measured, in Unix time: the moment of the kill,
or the moment when a stopped service may run again.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from confluent_kafka.admin import NewPartitions

from commands.chaos.disks import FILLER, filled
from commands.chaos.druid_harms import (
    DEEP_STORAGE,
    METADATA_LOCKED,
    fill_deep_storage,
    harm_fetches,
    lock_metadata_store,
    lose_task,
    shift_indexer_clock,
)
from commands.chaos.lab import ChaosError, Lab
from commands.chaos.load import Load
from commands.chaos.processes import Command, kill, stopped
from commands.chaos.round import Round
from include.druid.supervisor import assign_unread_partitions
from include.names import (
    DATASOURCE,
    LEDGER_TOPIC,
    PUBLISH_TASK,
    SUBMIT_TASK,
    TOPIC,
    WINDOW_DAG,
)
from include.stack import stack
from include.stream.topics import Admin, describe_topic
from include.stream.transactions import ProducerFencedError

API_AWAY = 90.0
BROKER_PAUSED = 30.0
DISK_FULL = 15.0
DATABASE_LOCKED = 60.0

KAFKA_DISK = Path("kafka")
AIRFLOW_DISK = Path("airflow")
"""Folders of Kafka's data and of Airflow's, below that of the stack."""

_NOTICED = 480.0
"""Seconds in which Airflow must run a task again that sends no heartbeats; it waits for 300."""

_WRITING = 10.0
_FENCED = 60.0
"""Seconds in which a publisher that wakes must find that it is fenced."""


class Scenario(NamedTuple):
    """A way to harm the stack.

    Attributes:
        text: what happens, in words.
        harm: harms the stack; returns the Unix time from which the recovery is measured.
        measured: whether recovery ends when Druid shows new sales of the load, of the window, whose
            task runs in Airflow, or of both.
        seconds: longest duration of a round; the window must sell for at least as long.
        limit: most seconds that the recovery may take; None without a limit.
        patience: seconds to wait for each of load, window and Druid, before the round fails.
        disks: folders, below the stack's, that must be small disks, because they are filled up.
        behind_proxy: whether the load's producer reaches Kafka through a proxy, which is harmed.
    """

    text: str
    harm: Callable[[Round], float]
    measured: Literal["load", "window", "both"] = "load"
    seconds: float = 40
    limit: float | None = None
    patience: float = 240
    disks: tuple[Path, ...] = ()
    behind_proxy: bool = False


def _killing(*names: str) -> Callable[[Round], float]:
    def harm(targets: Round) -> float:
        targets.lab.kill(*names)
        return time.time()

    return harm


def _kill_producers(targets: Round) -> float:
    kill([*targets.load.processes(), *targets.lab.task_processes()])
    return time.time()


def _mark_failed(targets: Round) -> float:
    lab, run = targets.lab, targets.window
    lab.api.set_task_state(WINDOW_DAG, run, PUBLISH_TASK, "failed")
    lab.end_of(run, 240)
    cleared = time.time()
    lab.api.clear(WINDOW_DAG, run, [SUBMIT_TASK], downstream=True)
    return cleared


def _kill_scheduler(targets: Round) -> float:
    targets.lab.kill("scheduler")
    return _when_scheduler_beats(targets.lab)


def _when_scheduler_beats(lab: Lab) -> float:
    """Return the present time, once the scheduler has sent a heartbeat after it."""
    since = time.time()
    lab.until(lambda: lab.beat("scheduler") > since, "the scheduler's heartbeat", 120)
    return since


def _api_away(targets: Round) -> float:
    targets.lab.stop("api-server")
    time.sleep(API_AWAY)
    targets.lab.start("api-server")
    back = time.time()
    targets.lab.until(lambda: targets.lab.beat("scheduler") > back, "the API server to answer", 120)
    return back


def _lock_database(targets: Round) -> float:
    with targets.lab.database_locked():
        time.sleep(DATABASE_LOCKED)
    return _when_scheduler_beats(targets.lab)


def _fill_airflow_disk(targets: Round) -> float:
    """Fill the disk of Airflow's metadata database and of its logs.

    The scheduler's loop ends by the error. The scheduler then waits for its running tasks, so its
    next heartbeat may come only after the window has sold.
    """
    with filled(targets.lab.settings.home / AIRFLOW_DISK):
        time.sleep(DATABASE_LOCKED)
    return time.time()


def _run_two_schedulers(targets: Round) -> float:
    """Kill the window's tasks while two schedulers run, which both may run them again."""
    lab, run = targets.lab, targets.window
    [scheduler] = lab.processes("scheduler")
    # The killed one of an earlier round counts until its last heartbeat is old.
    lab.until(lambda: lab.api.schedulers() == 1, "one scheduler alone", 120)
    with Command.of(scheduler).running(lab.settings.logs / "scheduler-2.log"):
        lab.until(lambda: lab.api.schedulers() == 2, "the second scheduler's heartbeat", 120)
        kill(lab.task_processes())
        killed = time.time()
        lab.until(lambda: lab.newest(run) > killed, "the sales of the next try", _NOTICED)
        return time.time()


def _kill_triggerer(targets: Round) -> float:
    """Kill the triggerer and stop the VM: only a trigger that runs again starts the VM again."""
    lab, run = targets.lab, targets.window
    if not any(task["state"] == "deferred" for task in lab.api.tasks(WINDOW_DAG, run)):
        raise ChaosError(f"the window {run} has no deferred task")
    lab.kill("triggerer")
    killed = time.time()
    lab.stop_vm()
    lab.until(lambda: lab.beat("triggerer") > killed, "the triggerer's heartbeat", 120)
    return killed


def _freeze_publisher(targets: Round) -> float:
    """Stop the publishing task until its next try sells, then let it write again.

    The task wakes before its worker, which would end it at once.
    """
    lab, run = targets.lab, targets.window
    task, worker = lab.freeze_task(run, PUBLISH_TASK)
    try:
        frozen = time.time()
        lab.until(lambda: lab.newest(run) > frozen, "the sales of the next try", _NOTICED)
    finally:
        task.resume()
        woken = time.time()
    try:
        time.sleep(_WRITING)
    finally:
        worker.resume()
    lab.until(lambda: not task.is_running(), "the end of the woken task", _FENCED)
    lab.until(
        lambda: _is_fenced(lab, run), "the woken publisher's message that it is fenced", _FENCED
    )
    return woken


def _is_fenced(lab: Lab, run: str) -> bool:
    [newest] = [
        it["try_number"] for it in lab.api.tasks(WINDOW_DAG, run) if it["task_id"] == PUBLISH_TASK
    ]
    logs = (lab.api.log(WINDOW_DAG, run, PUBLISH_TASK, number) for number in range(1, newest))
    return any(ProducerFencedError.__name__ in log for log in logs)


def _pause_broker(targets: Round) -> float:
    with stopped(targets.lab.processes("kafka")):
        time.sleep(BROKER_PAUSED)
    return time.time()


def _restart_vm(targets: Round) -> float:
    targets.lab.stop_vm()
    targets.lab.start_vm()
    return time.time()


def _hand_off(targets: Round) -> float:
    targets.lab.druid.hand_off(DATASOURCE, [0])
    return time.time()


def _add_partitions(targets: Round) -> float:
    admin = Admin(targets.lab.kafka)
    for topic in (TOPIC, LEDGER_TOPIC):
        count = len(describe_topic(admin, topic).partitions)
        admin.create_partitions([NewPartitions(topic, count + 1)])[topic].result(30)
    druid = targets.lab.druid
    # The validation DAG does this every five minutes.
    targets.lab.until(
        lambda: bool(assign_unread_partitions(druid, druid.supervisor_status(DATASOURCE))),
        "the supervisor to notice the partition",
        120,
    )
    return time.time()


def _kill_all(targets: Round) -> float:
    targets.lab.kill_all()
    killed = time.time()
    stack.up(targets.lab.settings, stack.Progress())
    return killed


def _fill_disk(targets: Round) -> float:
    filler = targets.lab.settings.home / KAFKA_DISK / FILLER
    try:
        _fill(filler, targets.load)
    finally:
        filler.unlink(missing_ok=True)
    return time.time()


def _fill(filler: Path, load: Load) -> None:
    """Fill the disk until Kafka acknowledges nothing more, and for `DISK_FULL` seconds after."""
    with filler.open("wb", buffering=0) as file:
        ends = time.monotonic() + DISK_FULL
        acknowledged = load.acknowledged
        while time.monotonic() < ends:
            room = os.statvfs(filler.parent)
            free = room.f_bavail * room.f_frsize
            if free:
                # Kafka may take the last free bytes first, and the write then fails.
                with suppress(OSError):
                    file.write(b"\0" * min(free, 1 << 24))
            if load.acknowledged != acknowledged:
                acknowledged, ends = load.acknowledged, time.monotonic() + DISK_FULL
            time.sleep(0 if free else 0.05)


SCENARIOS: dict[str, Scenario] = {
    "producer": Scenario("the producers killed (SIGKILL)", _kill_producers, "window", seconds=60),
    "mark-failed": Scenario(
        "the window's task marked as failed in Airflow, then the run cleared",
        _mark_failed,
        "window",
        seconds=110,
    ),
    "scheduler": Scenario(
        "Airflow's scheduler killed and restarted", _kill_scheduler, "window", seconds=90
    ),
    "api-server": Scenario(
        f"Airflow's API server stopped for {API_AWAY:g} s", _api_away, "window", seconds=150
    ),
    "database": Scenario(
        f"Airflow's metadata database locked for {DATABASE_LOCKED:g} s",
        _lock_database,
        "window",
        seconds=210,
    ),
    "database-disk": Scenario(
        f"the disk of Airflow's metadata database full for {DATABASE_LOCKED:g} s",
        _fill_airflow_disk,
        "window",
        seconds=210,
        disks=(AIRFLOW_DISK,),
    ),
    "two-schedulers": Scenario(
        "a second scheduler of Airflow, and the window's tasks killed meanwhile",
        _run_two_schedulers,
        "window",
        seconds=240,
    ),
    "triggerer": Scenario(
        "the triggerer killed while the window is deferred, and the VM stopped",
        _kill_triggerer,
        "window",
        seconds=180,
    ),
    "frozen": Scenario(
        "the publishing task stopped (SIGSTOP) until its next try sells, then woken",
        _freeze_publisher,
        "window",
        seconds=600,
    ),
    "kafka": Scenario("Kafka's broker killed and restarted", _killing("kafka"), limit=20),
    "kafka-paused": Scenario(
        f"Kafka's broker stopped (SIGSTOP) for {BROKER_PAUSED:g} s", _pause_broker, seconds=70
    ),
    "disk-full": Scenario("Kafka's disk full", _fill_disk, seconds=80, disks=(KAFKA_DISK,)),
    "indexer": Scenario("Druid's indexer killed", _killing("indexer"), limit=20),
    "coordinator": Scenario("Druid's coordinator and overlord killed", _killing("coordinator")),
    "historical": Scenario("Druid's historical killed", _killing("historical")),
    "broker": Scenario("Druid's broker and router killed", _killing("broker", "router")),
    "zookeeper": Scenario("ZooKeeper killed", _killing("zookeeper")),
    "vm": Scenario("the whole Druid VM stopped and started", _restart_vm, seconds=80),
    "hand-off": Scenario("segments handed off under load", _hand_off),
    "fetch": Scenario(
        "Druid's requests to Fetch and their answers delayed, lost, repeated, cut short",
        harm_fetches,
        seconds=150,
    ),
    "metadata-store": Scenario(
        f"Druid's metadata store locked for {METADATA_LOCKED:g} s while tasks publish",
        lock_metadata_store,
        seconds=130,
    ),
    "deep-storage": Scenario(
        "Druid's deep storage full until a task cannot publish",
        fill_deep_storage,
        seconds=120,
        disks=(DEEP_STORAGE,),
    ),
    "indexer-clock": Scenario(
        "the clock of Druid's indexer two hours ahead, then two hours behind",
        shift_indexer_clock,
        seconds=240,
    ),
    "lost-task": Scenario(
        "Druid's coordinator and overlord killed, and the indexer once they are back",
        lose_task,
        seconds=180,
    ),
    "everything": Scenario(
        "every process killed at once, then `./ventas up`", _kill_all, "window", seconds=180
    ),
    # Keep it last: added partitions stay, and only the validation makes the supervisor read them.
    "partitions": Scenario("a partition added to both topics", _add_partitions, seconds=70),
}
