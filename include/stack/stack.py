"""The embedded stack as a whole: start it, show its state, stop it, remove it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from include.stack import (
    airflow,
    airflow_database,
    extension,
    folder,
    jars,
    java,
    ports,
    processes,
    security,
    supervision,
)
from include.stack.settings import Settings
from include.stream.acls import grant
from include.texts import terminal_text
from include.waiting import wait_until

MIB = 1024 * 1024


@dataclass(frozen=True)
class Progress:
    """Functions that are called to report the progress of long steps.

    Attributes:
        step: called with a text for the step that begins.
        fetched: called for every jar with the number done, the total and the jar's name.
    """

    step: Callable[[str], None] = lambda _: None
    fetched: Callable[[int, int, str], None] = lambda *_: None


class StackError(RuntimeError):
    """The stack is not in the state that the command needs; the message says what to do."""


def up(settings: Settings, progress: Progress) -> None:
    """Start Kafka, the Compute Engine emulator and Airflow; the emulator's VM keeps its state.

    If the stack runs already, this only waits until its services answer.

    Raises:
        PortsBusyError, JarError, WaitTimeoutError, FolderError, DamagedSecretsError, DatabaseError:
            the message says what is wrong and what to do.
    """
    with folder.held(settings.home, "up"):
        folder.claim(settings.home)
        if not supervision.is_running(settings):
            ports.require_free(settings)
            found = products(settings, progress)
            progress.step(terminal_text("cli.stack.steps.database"))
            variables = airflow.environment(settings) | security.variables(settings)
            airflow.migrate_database(settings, variables)
            configuration = processes.write_supervisord_configuration(
                settings, processes.all_processes(settings, found)
            )
            supervision.start(settings, configuration, variables)
        _wait_for_services(settings, progress)


def down(settings: Settings) -> list[int]:
    """Stop every process; return the ids of those that supervisord no longer knew.

    Raises:
        FolderError: another command is changing the stack, or the folder is not a stack's folder.
    """
    if not settings.home.exists():
        return supervision.stop(settings)
    with folder.held(settings.home, "down"):
        return supervision.stop(settings)


def clean(settings: Settings, report: Callable[[str], None] = lambda _: None) -> None:
    """Remove the state folder, and Airflow's database on a server; the stack must be down.

    `report` is called with a text about the files that will be deleted.

    Raises:
        StackError: supervisord answers, or processes of this stack, or of a stack in a folder
            inside this one, are alive.
        FolderError: the folder is not a stack's folder, another command is changing the stack, or a
            file could not be deleted.
        DatabaseError: the PostgreSQL server cannot be used; the folder is still there.
    """
    if not settings.home.exists():
        return
    with folder.held(settings.home, "clean"):
        alive = supervision.marked_processes(settings, nested=True)
        # A process's environment, and so its mark, may be hidden, for example in a container.
        if alive or supervision.is_running(settings):
            listed = ", ".join(str(process.pid) for process in alive) or "hidden from this user"
            raise StackError(
                f"The stack runs (processes {listed}): run `./ventas down` first, then clean."
            )
        report(folder.contents(settings.home))
        folder.remove(settings.home, lambda: airflow_database.drop(settings))


def addresses(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the address of each service, by service and kind of address."""
    return {
        "kafka": {"bootstrap_servers": settings.address("kafka")},
        "druid": {
            "url": security.druid_url(settings),
        },
        "compute": {"api_endpoint": settings.url("compute")},
        "airflow": {"url": settings.url("airflow")},
    }


def status(settings: Settings) -> dict[str, Any]:
    """Return the addresses, and the state, id and memory (MiB) of each process with its children.

    `memory_mib` is proportional memory (PSS), in which pages shared by several processes count
    once.
    """
    running = supervision.is_running(settings)
    states = supervision.process_states(settings) if running else []
    return {
        "running": running,
        "home": str(settings.home),
        **addresses(settings),
        "processes": [
            {
                "name": state["name"],
                "group": state["group"],
                "state": state["statename"],
                "pid": state["pid"],
                "log": state["stdout_logfile"],
                **_memory(state["pid"]),
            }
            for state in states
        ],
        "memory_mib": sum(_pss(p) for p in supervision.marked_processes(settings)) // MIB,
    }


def products(settings: Settings, progress: Progress) -> dict[str, java.JavaProduct]:
    """Fetch and verify the Java products; return each with its class-data archive."""
    folder.claim_downloads(settings.cache)
    locked = jars.read_lock()
    done = 0

    def count(jar: jars.LockedJar) -> None:
        nonlocal done
        done += 1
        progress.fetched(done, len(locked), jar.artifact)

    progress.step(terminal_text("cli.stack.steps.jars"))
    class_paths = jars.fetch(locked, settings.cache / "maven", count)
    progress.step(terminal_text("cli.stack.steps.extension"))
    compiler = class_paths.pop("compiler")
    extension.compile_it(compiler, class_paths["druid"], settings.cache)
    found = {
        name: java.JavaProduct(name, tuple(paths), java.archive_path(name, paths, settings.cache))
        for name, paths in class_paths.items()
    }
    for product in found.values():
        progress.step(terminal_text("cli.stack.steps.classes", product=product.name))
        java.make_archive(product)
    return found


def _wait_for_services(settings: Settings, progress: Progress) -> None:
    progress.step(terminal_text("cli.stack.steps.kafka", address=settings.address("kafka")))
    wait_until(
        lambda: kafka_answers(settings),
        f"Kafka at {settings.address('kafka')}",
        90,
        log=settings.logs / "kafka.log",
    )
    if settings.secure:
        grant(security.kafka_config(settings), security.PRINCIPALS)
    progress.step(terminal_text("cli.stack.steps.compute", address=settings.url("compute")))
    wait_until(
        lambda: _answers(f"{settings.url('compute')}/"),
        f"the Compute Engine emulator at {settings.url('compute')}",
        60,
        log=settings.logs / "compute.log",
    )
    progress.step(terminal_text("cli.stack.steps.airflow", address=settings.url("airflow")))
    wait_until(
        lambda: _airflow_is_healthy(settings),
        f"Airflow at {settings.url('airflow')}",
        180,
        log=settings.logs / "api-server.log",
    )


def kafka_answers(settings: Settings) -> bool:
    """Return whether the broker answers a request for metadata."""
    try:
        client = AdminClient({**security.kafka_config(settings), "log_level": 0})
        return bool(client.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def _airflow_is_healthy(settings: Settings) -> bool:
    """Return whether all components are healthy; the API server is healthy first."""
    try:
        answer = httpx.get(
            f"{settings.url('airflow')}/api/v2/monitor/health", timeout=3, trust_env=False
        )
    except httpx.HTTPError:
        return False
    if answer.status_code != 200:
        return False
    health = answer.json()
    needed = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    return all(health[component]["status"] == "healthy" for component in needed)


def _memory(pid: int) -> dict[str, int]:
    if not pid:
        return {"rss_mib": 0, "pss_mib": 0}
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {"rss_mib": 0, "pss_mib": 0}
    return {
        "rss_mib": sum(_rss(member) for member in family) // MIB,
        "pss_mib": sum(_pss(member) for member in family) // MIB,
    }


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def _pss(process: psutil.Process) -> int:
    try:
        # PSS exists on Linux only. On other systems, the unshared memory (USS) is the closest.
        memory = process.memory_full_info()
        return int(getattr(memory, "pss", memory.uss))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
