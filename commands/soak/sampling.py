"""Sample everything that could grow: processes, folders, topics, segments."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from include.druid.client import DruidClient, DruidError
from include.stack import airflow_database, stack
from include.stack.settings import Settings

MIB = 1024 * 1024

_SEGMENTS_SQL = """
SELECT "start", "size", num_rows FROM sys.segments
WHERE datasource = ? AND is_published = 1 AND is_overshadowed = 0
"""

_FOLDERS = {
    "disk.druid.deep_storage_mib": "druid/segments",
    "disk.druid.segment_cache_mib": "druid/segment-cache",
    "disk.druid.tasks_mib": "druid/tasks",
    "disk.druid.task_logs_mib": "druid/task-logs",
    "disk.druid.metadata_mib": "druid/metadata",
    "disk.zookeeper_mib": "zookeeper",
    "disk.airflow.logs_mib": "airflow/logs",
    "disk.logs_mib": "logs",
    "disk.total_mib": ".",
}

Sample = dict[str, float]
"""Values by name of the series; those of a service that did not answer are missing."""


def sample(settings: Settings, client: DruidClient, datasource: str) -> Sample:
    """Take one sample of the stack and of a datasource in Druid."""
    found = dict(_processes(settings))
    found.update(_folders(settings.home))
    found["disk.airflow.database_mib"] += airflow_database.size(settings) / MIB
    with suppress(DruidError):  # the series then has a visible gap
        found.update(_druid(client, datasource))
    return found


def _processes(settings: Settings) -> Iterator[tuple[str, float]]:
    """Yield memory, open files and threads of each process with its children, and their sums."""
    totals = dict.fromkeys(("pss_mib", "rss_mib", "files", "threads"), 0.0)
    families: dict[str, list[psutil.Process]] = {"soak": [psutil.Process()]}
    for state in stack.status(settings)["processes"]:
        if state["pid"]:
            families[state["name"]] = _family(state["pid"])
    for name, family in families.items():
        for key in totals:
            value = sum(_measured(key, process) for process in family)
            totals[key] += value
            yield f"{name}.{key}", value
    for key, total in totals.items():
        yield f"all.{key}", total


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _measured(key: str, process: psutil.Process) -> float:
    try:
        if key == "pss_mib":
            memory = process.memory_full_info()
            # PSS exists on Linux only. On other systems, the unshared memory (USS) is the closest.
            return float(getattr(memory, "pss", memory.uss)) / MIB
        if key == "rss_mib":
            return float(process.memory_info().rss) / MIB
        return float(process.num_fds() if key == "files" else process.num_threads())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0


def _folders(home: Path) -> Iterator[tuple[str, float]]:
    for name, folder in _FOLDERS.items():
        yield name, _used(home / folder)
    # The pattern also matches SQLite's journal.
    database = (home / "airflow").glob("airflow.db*")
    yield "disk.airflow.database_mib", sum(_used(file) for file in database)
    topics: dict[str, float] = {}
    files = 0
    for partition in (home / "kafka").glob("*-[0-9]*"):
        topic = partition.name.rpartition("-")[0]
        topics[topic] = topics.get(topic, 0.0) + _used(partition)
        files += sum(1 for _ in partition.glob("*.log"))
    for topic, mib in topics.items():
        yield f"topic.{topic}.mib", mib
    yield "topic.segments", files


def _used(path: Path) -> float:
    """Return the MiB that a file or folder uses on the disk.

    The files' lengths would be wrong: Kafka's indexes are sparse files.
    """
    blocks = 0
    for file in (path, *path.rglob("*")):
        try:
            blocks += file.lstat().st_blocks
        except OSError:
            continue  # deleted meanwhile
    return blocks * 512 / MIB


def _druid(client: DruidClient, datasource: str) -> Iterator[tuple[str, float]]:
    segments = client.sql(_SEGMENTS_SQL, [datasource])
    yield "druid.segments", len(segments)
    yield "druid.segments_mib", sum(segment["size"] for segment in segments) / MIB
    yield "druid.rows", sum(segment["num_rows"] for segment in segments)
    yield "druid.days", len({segment["start"] for segment in segments})
    lag: Mapping[str, Any] = client.supervisor_status(datasource)
    yield "druid.lag_events", float(lag.get("aggregateLag") or 0)
