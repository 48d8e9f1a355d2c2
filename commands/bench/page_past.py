"""Past days of the page's benchmark, which its stack keeps for the next run.

Days before today are written to files and stored by Druid's batch tasks: a task makes a day's only
segment at once, with the sums that compaction would add. So the past needs no hand-off and no
compaction. Days that are added to a kept past go through Kafka.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
import numpy as np
from confluent_kafka import Producer

from commands.bench.common import SEED
from commands.soak.days import publish_day
from include.druid.client import DruidClient, DruidError
from include.druid.housekeeping import compaction
from include.druid.projections import projections
from include.druid.supervisor import Expected, supervisor_spec, unfinished_tasks
from include.names import DATASOURCE, TOPIC
from include.sales.backfill import Day, day_arrivals, past_days
from include.sales.bulk import BulkEncoder, Encoded, Schedule
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.local_time import moment_of
from include.sales.market import load_market
from include.sales.random_numbers import Ints
from include.stream.load import LOAD_CONFIG
from include.waiting import wait_until

DAYS: Final = 30
"""Whole days before today: the longest range of the page."""

COORDINATOR: Final = """
# Days that came through Kafka are compacted at once instead of in the night after them.
druid.coordinator.period.indexingPeriod=PT5S
"""

_MONTH_EVENTS: Final = 5_250_000
"""Events of `DAYS` days with one sale a second in the mean of the year."""

_TASKS: Final = 2
"""Batch tasks at once: each uses one processor, and the machine has two."""

_TASK_SECONDS: Final = 1800.0
"""Seconds that Druid may take to end one of the running tasks."""

_DAY_MS: Final = 86_400_000

_UNCOMPACTED_SQL: Final = """
SELECT segment_id FROM sys.segments
WHERE datasource = ? AND is_active = 1 AND last_compaction_state IS NULL AND "end" <= ?
"""


class Past(NamedTuple):
    """The past that a kept stack has.

    Attributes:
        expected: the runs of the days, with their rows.
        is_new: whether a day before today had to be filled.
    """

    expected: Expected
    is_new: bool


def scale(millions: float) -> float:
    """Return the back-fill's scale at which `DAYS` days have about so many million events."""
    return round(millions * 1e6 / _MONTH_EVENTS, 4)


def fill_past(
    druid: DruidClient,
    kafka: Mapping[str, Any],
    home: Path,
    millions: float,
    rate: float,
    now: datetime,
) -> Past:
    """Fill what the stack in `home` lacks of the days before `now` and of today.

    The days before today have `millions` of events together. Today has `rate` sales a second in
    the mean of the year, so that the hours that are not over are the same with each past.

    Raises:
        DruidError: a task failed, or Druid does not answer.
        WaitTimeoutError: a task took too long.
    """
    notes = home / "past.json"
    filled: dict[str, int] = json.loads(notes.read_bytes()) if notes.exists() else {}
    *before, today = past_days(now, DAYS, today=True)
    runs = {day.corrida(SEED, scale(millions)): day for day in before}
    missing = {run: day for run, day in runs.items() if run not in filled}
    if len(missing) == len(runs):
        filled = _by_batch_tasks(druid, kafka, home / "past", missing, scale(millions), now)
    else:
        for run, day in missing.items():
            filled[run] = _through_kafka(kafka, day, scale(millions), now)
    notes.write_text(json.dumps(filled))
    todays = _through_kafka(kafka, today, rate, now)
    rows = sum(filled[run] for run in runs) + todays
    return Past(Expected([*runs, today.corrida(SEED, rate)], rows), bool(missing))


def is_compacted(druid: DruidClient, now: datetime) -> bool:
    """Return whether Druid has compacted every day before yesterday, by UTC.

    Auto-compaction may leave yesterday alone: it skips a day from the latest segment on.
    """
    last = f"{past_days(now, 1)[0].day}T00:00:00.000Z"
    return not druid.sql(_UNCOMPACTED_SQL, [DATASOURCE, last])


def _through_kafka(kafka: Mapping[str, Any], day: Day, sales: float, now: datetime) -> int:
    """Publish the events of a day that Kafka's ledger lacks; return how many there are."""
    market = load_market()
    return publish_day(
        kafka,
        SaleSource(market, SEED, day.corrida(SEED, sales)),
        Demand(market),
        day,
        topic=TOPIC,
        scale=sales,
        until=now,
        stop=threading.Event(),
    ).committed


def _by_batch_tasks(
    druid: DruidClient,
    kafka: Mapping[str, Any],
    folder: Path,
    days: Mapping[str, Day],
    sales: float,
    now: datetime,
) -> dict[str, int]:
    """Store the days' events in Druid; return the number of events of each run.

    Events of the running day, by UTC, go through Kafka, because the supervisor writes to that day.
    """
    counts = {}
    tasks: list[str] = []
    folder.mkdir(exist_ok=True)
    market = load_market()
    demand = Demand(market)
    with _Files(folder) as files:
        for run, day in days.items():
            begins = day_arrivals(demand, SEED, day, sales, now)
            encoder = BulkEncoder(SaleSource(market, SEED, run), now)
            blocks = encoder.blocks(range(len(begins)), _slices(begins))
            counts[run] = sum(files.add(block) for block in blocks)
            # Sales of later days have no events on this day.
            if path := files.close(day.day):
                _wait_for_tasks(druid, tasks, _TASKS - 1)
                tasks.append(druid.submit_task(batch_task(path, day.day)))
        _wait_for_tasks(druid, tasks, 0)
        _publish(kafka, files.left())
    return counts


def _slices(begins: Ints) -> Schedule:
    return lambda first, stop: begins[first:stop]


def batch_task(path: Path, day: date) -> dict[str, Any]:
    """Return the batch task that replaces a day, by UTC, with the events of a file."""
    schema = supervisor_spec({}, topic=TOPIC, datasource=DATASOURCE)["spec"]["dataSchema"]
    tuning = compaction(DATASOURCE)["tuningConfig"]
    interval = f"{day}/{day + timedelta(days=1)}"
    return {
        "type": "index_parallel",
        # With it, auto-compaction knows that the day needs no compaction.
        "context": {"storeCompactionState": True},
        "spec": {
            "dataSchema": {
                **schema,
                "granularitySpec": {**schema["granularitySpec"], "intervals": [interval]},
                "projections": projections(),
            },
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": {"type": "local", "files": [str(path)]},
                "inputFormat": {"type": "json"},
            },
            "tuningConfig": {
                **tuning,
                "type": "index_parallel",
                # As auto-compaction has it: no limit of all rows together.
                "partitionsSpec": {**tuning["partitionsSpec"], "maxTotalRows": 2**63 - 1},
                "maxNumConcurrentSubTasks": 1,
            },
        },
    }


class _Files:
    """Files with the events of each day by UTC; they are deleted at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = ExitStack()
        self._files: dict[date, BinaryIO] = {}

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        for path in self._folder.glob("*.json"):
            path.unlink()

    def add(self, block: Encoded) -> int:
        """Write a block's events to the files of their days; return how many there are."""
        of = block.ts // _DAY_MS
        for day in np.unique(of).tolist():
            lines = [block.values[place] for place in np.flatnonzero(of == day).tolist()]
            self._file(moment_of(day * _DAY_MS).date()).write(b"\n".join(lines) + b"\n")
        return len(of)

    def close(self, day: date) -> Path | None:
        """End the file of a day and return its path; None if the day has no events."""
        if (file := self._files.pop(day, None)) is None:
            return None
        file.close()
        return self._path(day)

    def left(self) -> Iterator[bytes]:
        """Yield the events of the files that are not closed, in the order of the days."""
        for day in sorted(self._files):
            if path := self.close(day):
                with path.open("rb") as file:
                    yield from file

    def _file(self, day: date) -> BinaryIO:
        if day not in self._files:
            self._files[day] = self._opened.enter_context(self._path(day).open("wb"))
        return self._files[day]

    def _path(self, day: date) -> Path:
        return self._folder / f"{day}.json"


class _Key(msgspec.Struct):
    id_venta: str


def _publish(kafka: Mapping[str, Any], events: Iterator[bytes]) -> None:
    key = msgspec.json.Decoder(_Key)
    producer = Producer({**kafka, **LOAD_CONFIG})
    for event in events:
        while True:
            try:
                producer.produce(TOPIC, event.rstrip(), key.decode(event).id_venta)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    producer.flush()


def _wait_for_tasks(druid: DruidClient, ids: Sequence[str], most: int) -> None:
    """Wait until at most so many of the tasks run; raise `DruidError` if one has failed."""

    def waited() -> bool:
        tasks = [task for task in druid.tasks(DATASOURCE) if task["id"] in ids]
        if failed := [task for task in tasks if task["statusCode"] == "FAILED"]:
            raise DruidError(f"The batch task {failed[0]['id']} failed: {failed[0]['errorMsg']}")
        return len(unfinished_tasks(tasks)) <= most

    wait_until(waited, "the end of a batch task", _TASK_SECONDS, interval=0.5)
