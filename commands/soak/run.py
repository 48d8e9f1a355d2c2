"""`./ventas soak`: run everything for hours, sample it, and compare Druid with the ledger."""

import csv
import json
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from commands.demo import wait_for_dags
from commands.progress import StackProgress
from commands.soak.days import DAY_SECONDS, DayPublisher
from commands.soak.report import Report, print_report
from commands.soak.sampling import Sample, sample
from include.druid.checks import CheckResult
from include.druid.client import DruidClient, DruidError
from include.druid.housekeeping import ensure_housekeeping
from include.druid.ledger import GRACE, compare, druid_minutes
from include.druid.supervisor import supervisor_spec
from include.names import PUBLISH_TASK, RECONCILE_TASK, VALIDATION_DAG, WINDOW_DAG
from include.sales.backfill import Day, past_days
from include.stack import airflow, stack
from include.stack.airflow_api import AirflowApi
from include.stack.settings import Settings
from include.stack.stack import StackError
from include.stack.temporary import stopped_in_order, temporary_settings
from include.stream.errors import StreamError
from include.stream.ledger import read_minutes
from include.stream.topics import ensure_topic
from include.texts import in_terminal_language, terminal_text
from include.waiting import Polling

TOPIC: Final = "soak"
"""Topic and datasource of the compressed days; the window has the project's own topic."""

_KEEP: Final = 6
"""Days of the compressed clock that Druid keeps. Kafka keeps sales one day longer, and the ledger
three days longer."""

_EVERY = 30.0
"""Seconds between samples."""

_CHECK_DAYS: Final = 3
"""Number of published days after which Druid is compared with the ledger."""

_PATIENCE = 90.0
"""Seconds until Druid must show the committed events."""

_MARGIN = 480.0
"""Seconds to wait for the window to open, and for its reconciliation and hand-off at its end."""

_COORDINATOR: Final = """
# The soak's clock: what takes a day, or days, takes minutes.
druid.coordinator.period.indexingPeriod=PT30S
druid.coordinator.kill.bufferPeriod=PT2M
druid.indexer.logs.kill.initialDelay=60000
druid.indexer.logs.kill.delay=60000
druid.indexer.logs.kill.durationToRetain=600000
"""


def run_soak(settings: Settings, console: Console, *, hours: float, as_json: bool) -> int:
    """Run for some hours, print the report and return the process's exit code."""
    messages = Console(stderr=True) if as_json else console
    # The load logs a line every five seconds, which is useful only in a task's log.
    logging.getLogger("include.stream").setLevel(logging.WARNING)
    with stopped_in_order(), temporary_settings(settings) as own, _stack(own, settings, messages):
        try:
            report = _Soak(own, settings.logs / "soak.csv", messages, hours).run()
        except (DruidError, StreamError) as error:
            raise StackError(f"The soak ended early: {error}") from error
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        print_report(console, report)
    return 0 if report.passes else 1


@contextmanager
def _stack(own: Settings, settings: Settings, console: Console) -> Iterator[None]:
    """Run the whole stack, and keep a copy of its logs."""
    try:
        with StackProgress(console) as progress:
            stack.up(own, progress.callbacks())
        with (own.home / "conf" / "coordinator" / "runtime.properties").open("a") as properties:
            properties.write(_COORDINATOR)
        yield
    finally:
        stack.down(own)
        if own.logs.exists():
            shutil.copytree(own.logs, settings.logs / "soak", dirs_exist_ok=True)


class _Soak:
    """A soak run on a stack that is up."""

    def __init__(self, own: Settings, samples: Path, console: Console, hours: float) -> None:
        self._own = own
        self._file = samples
        self._console = console
        self._hours = hours
        self._kafka = {"bootstrap.servers": own.address("kafka"), "log_level": 3}
        self._druid = DruidClient(own.url("druid"))
        self._api = AirflowApi(own.url("airflow"), airflow.USER, airflow.password(own))
        self._days = past_days(datetime.now(UTC), max(1, round(hours * 3600 / DAY_SECONDS)))
        self._checks: list[CheckResult] = []
        self._checked = 0
        self._samples: list[tuple[float, Sample]] = []

    def run(self) -> Report:
        """Open the window, publish the days, take samples and compare; return the report."""
        self._say(terminal_text("cli.soak.opening"))
        window = self._open_window()
        self._make_topics()
        self._druid.submit_supervisor(_spec(self._kafka))
        publisher = DayPublisher(self._kafka, TOPIC, self._days)
        publisher.start()
        try:
            self._watch(publisher)
        finally:
            publisher.stop()
        if publisher.error:
            raise publisher.error
        self._say(terminal_text("cli.soak.closing"))
        state = self._api.wait_for_end(WINDOW_DAG, window, _MARGIN)
        return Report(
            hours=self._hours,
            days=publisher.closed,
            events=publisher.events,
            samples=self._samples,
            checks=self._checks,
            window=self._api.xcom(WINDOW_DAG, window, RECONCILE_TASK) or {},
            window_state=state,
            validations=dict(self._api.run_states(VALIDATION_DAG)),
            file=str(self._file),
        )

    def _open_window(self) -> str:
        wait_for_dags(self._api)
        self._api.set_paused(WINDOW_DAG, False)
        run = self._api.trigger(WINDOW_DAG, {"duration_minutes": self._hours * 60, "keep_vm": True})
        for _ in Polling(_MARGIN, interval=1):
            states = {task["task_id"]: task["state"] for task in self._api.tasks(WINDOW_DAG, run)}
            if states.get(PUBLISH_TASK) == "running":
                self._api.set_paused(VALIDATION_DAG, False)
                return run
            if "failed" in states.values():
                break
        raise StackError(f"The window {run} did not open; states of its tasks: {states}")

    def _make_topics(self) -> None:
        """Create topics like the project's, with their days at the compressed clock."""
        for name, days in ((TOPIC, _KEEP + 1), (f"{TOPIC}.ledger", _KEEP + 3)):
            config = {
                "retention.ms": str(int(days * DAY_SECONDS * 1000)),
                "segment.ms": str(int(DAY_SECONDS * 1000)),
            }
            ensure_topic(self._kafka, name, partitions=2, topic_config=config)

    def _watch(self, publisher: DayPublisher) -> None:
        began = time.monotonic()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        kept = -1
        while publisher.is_alive():
            due = began + len(self._samples) * _EVERY
            publisher.join(max(0.0, due - time.monotonic()))
            closed = publisher.closed
            if closed != kept:
                self._keep(closed)
                kept = closed
            if closed >= self._checked + _CHECK_DAYS:
                self._check(closed)
            found = sample(self._own, self._druid, TOPIC)
            self._samples.append(((time.monotonic() - began) / 3600, found))
            self._write()
            self._say(_progress(closed, len(self._days), publisher.events, found))
        self._check(publisher.closed)

    def _keep(self, closed: int) -> None:
        """Set the retention so that the last `_KEEP` published days stay.

        Druid counts its period from now, but these days are in the past.
        """
        oldest = self._days[max(0, min(closed, len(self._days) - 1) - _KEEP)]
        try:
            ensure_housekeeping(
                self._druid, TOPIC, timedelta(days=(datetime.now(UTC) - oldest.start).days)
            )
        except DruidError as error:
            self._say(f"[yellow]{error}[/]")

    def _check(self, closed: int) -> None:
        """Compare the days published since the last comparison with the ledger."""
        days = self._days[self._checked : closed]
        if not days:
            return
        self._checked = closed
        found = self._compared(days[0], days[-1])
        self._checks.append(found)
        self._say(
            terminal_text(
                "cli.soak.compared", first=days[0].day, last=days[-1].day, result=found.message
            )
        )

    def _compared(self, first: Day, last: Day) -> CheckResult:
        for _ in Polling(_PATIENCE, interval=2):
            with suppress(DruidError):
                found = self._look(first, last)
                if found.status == "ok":
                    return found
        return self._look(first, last)

    def _look(self, first: Day, last: Day) -> CheckResult:
        queried_at = datetime.now(UTC)
        druid = druid_minutes(self._druid, TOPIC, first.start, last.end)
        ledger = read_minutes(
            self._kafka, f"{TOPIC}.ledger", first.start, last.end, settled=queried_at + GRACE
        )
        with in_terminal_language():
            return compare(ledger.sums, druid)

    def _write(self) -> None:
        """Write the whole file again, because a new series adds a column."""
        names = sorted({name for _, found in self._samples for name in found})
        with self._file.open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, ["hours", *names], restval="")
            rows.writeheader()
            rows.writerows(
                {"hours": round(at, 4), **{name: round(value, 2) for name, value in found.items()}}
                for at, found in self._samples
            )

    def _say(self, text: str) -> None:
        self._console.print(
            f"[dim]{datetime.now():%H:%M:%S}[/]  {text}", highlight=False, soft_wrap=True
        )


def _progress(closed: int, days: int, events: int, found: Sample) -> str:
    def shown(name: str) -> str:
        return f"{found[name]:.0f}" if name in found else "?"

    return terminal_text(
        "cli.soak.progress",
        closed=closed,
        days=days,
        events=events,
        memory=shown("all.pss_mib"),
        files=shown("all.files"),
        kafka=shown(f"topic.{TOPIC}.mib"),
        segments=shown("druid.segments"),
        druid=shown("druid.segments_mib"),
        lag=shown("druid.lag_events"),
        disk=shown("disk.total_mib"),
    )


def _spec(kafka: dict[str, Any]) -> dict[str, Any]:
    """Return the project's spec with tasks that hand off every half day of the compressed clock."""
    spec = supervisor_spec(kafka, topic=TOPIC, datasource=TOPIC)
    spec["spec"]["ioConfig"]["taskDuration"] = f"PT{DAY_SECONDS / 2:.0f}S"
    return spec
