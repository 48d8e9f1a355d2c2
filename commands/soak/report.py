"""The report of a soak: level of each series, comparisons with the ledger, size of a month."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Column, Table

from commands.soak.levels import Level, level, slope
from commands.soak.sampling import Sample
from include.druid.checks import CheckResult
from include.names import (
    LEDGER_TOPIC,
    MAXIMUM_GAP,
    MINIMUM_GAP,
    TOPIC,
)
from include.texts import terminal_text

MONTH_SALES: Final = 2 * 30 * 86_400 / (MINIMUM_GAP + MAXIMUM_GAP)
"""Sales of a month of 30 days, in a window that never closes, with the default gaps."""

BOUNDED_LATER: Final[Mapping[str, str]] = {
    f"topic.{TOPIC}.mib": "sales_topic",
    f"topic.{LEDGER_TOPIC}.mib": "ledger_topic",
    "disk.airflow.database_mib": "database",
    "disk.airflow.logs_mib": "logs",
}
"""Series that may grow during a soak because their data is kept longer, with the text of each
limit, below "cli.soak.bounded"."""

_FLOORS: Final = (
    ("pss_mib", 24),
    ("rss_mib", 24),
    ("files", 12),
    ("threads", 6),
    ("lag_events", 4000),
    ("segments", 6),
    ("days", 2),
    ("mib", 8),
)
"""Increase that does not count as growth, in the series' unit, by the end of the series' name."""

_SHOWN: Final = (
    *("all.pss_mib", "all.files", "all.threads"),
    *("kafka.pss_mib", "indexer.pss_mib", "historical.pss_mib", "broker.pss_mib"),
    *("coordinator.pss_mib", "scheduler.pss_mib", "api-server.pss_mib", "dag-processor.pss_mib"),
    *("triggerer.pss_mib", "soak.pss_mib"),
    *("topic.soak.mib", "topic.soak.ledger.mib", "topic.segments"),
    *("druid.segments", "druid.segments_mib", "druid.rows", "druid.lag_events"),
    *("disk.druid.deep_storage_mib", "disk.druid.segment_cache_mib", "disk.druid.metadata_mib"),
    *("disk.druid.task_logs_mib", "disk.zookeeper_mib", "disk.logs_mib", "disk.total_mib"),
)
"""Series that the table always shows; it also shows every series that does not level off."""


class Report(NamedTuple):
    """Results of a soak."""

    hours: float
    days: int
    """Days of the compressed clock that were published completely."""
    events: int
    samples: Sequence[tuple[float, Sample]]
    """Hours since the start, and the sample."""
    checks: Sequence[CheckResult]
    window: Mapping[str, Any]
    """Result of the window's reconciliation."""
    window_state: str
    validations: Mapping[str, int]
    """Number of the validation's runs by state."""
    file: str

    @property
    def levels(self) -> dict[str, Level]:
        return dict(self._levels())

    def _levels(self) -> Iterator[tuple[str, Level]]:
        for name in sorted({name for _, found in self.samples for name in found}):
            series = [(at, found[name]) for at, found in self.samples if name in found]
            hours, values = zip(*series, strict=True)
            yield name, level(hours, values, _floor(name))

    @property
    def growing(self) -> list[str]:
        """Series that do not level off and are not in `BOUNDED_LATER`."""
        return [
            name
            for name, found in self.levels.items()
            if found.levels_off is False and name not in BOUNDED_LATER
        ]

    @property
    def passes(self) -> bool:
        """Whether no series grows, Druid equals the ledger, and no run of Airflow failed."""
        return (
            not self.growing
            and bool(self.checks)
            and all(check.status == "ok" for check in self.checks)
            and self.window_state == "success"
            and not self.validations.get("failed")
        )

    def month(self) -> dict[str, float]:
        """Return the events and MiB of a month: a sale every 1-2 s, day and night, all data kept.

        Kafka's MiB come from the live window's events, whose transactions have about one event
        each. Druid's MiB come from the compacted days.
        """
        events = float(self.window.get("committed") or 0)
        sales = float(self.window.get("results", {}).get("sales") or 0)
        last = self.samples[-1][1]
        rows, mib = last.get("druid.rows", 0.0), last.get("druid.segments_mib", 0.0)
        if not (events and sales and rows):
            return {}
        month_events = MONTH_SALES * events / sales
        return {
            "events": month_events,
            "kafka_ventas_mib": self._grown(f"topic.{TOPIC}.mib") / events * month_events,
            "kafka_ledger_mib": self._grown(f"topic.{LEDGER_TOPIC}.mib") / events * month_events,
            "druid_mib": mib / rows * month_events,
        }

    def _grown(self, name: str) -> float:
        """Growth of a series over the window, from its slope, so that single steps do not count."""
        series = [(at, found[name]) for at, found in self.samples if name in found]
        return slope([at for at, _ in series], [value for _, value in series]) * self.hours

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, without the samples."""
        return {
            "hours": self.hours,
            "days": self.days,
            "events": self.events,
            "passes": self.passes,
            "growing": self.growing,
            "levels": {name: found._asdict() for name, found in self.levels.items()},
            "bounded_later": {name: _limit(name) for name in BOUNDED_LATER},
            "checks": [check.to_dict() for check in self.checks],
            "window": {"state": self.window_state, **self.window},
            "validations": dict(self.validations),
            "month": self.month(),
            "samples": self.file,
        }


def _floor(name: str) -> float:
    return next((floor for end, floor in _FLOORS if name.endswith(end)), 0.0)


def print_report(console: Console, report: Report) -> None:
    growing = report.growing
    levels = report.levels
    table = Table(
        Column(terminal_text("cli.soak.series"), no_wrap=True),
        *(terminal_text(f"cli.soak.{column}") for column in _COLUMNS),
        title=terminal_text(
            "cli.soak.title", hours=f"{report.hours:g}", days=report.days, events=report.events
        ),
        title_justify="left",
    )
    for name in (*_SHOWN, *(name for name in growing if name not in _SHOWN)):
        if name in levels:
            key, colour = _VERDICTS[levels[name].levels_off]
            verdict = f"[{colour}]{terminal_text(f'cli.soak.{key}')}[/]"
            table.add_row(name, *_numbers(levels[name]), verdict)
    for name in BOUNDED_LATER:
        if name in levels:
            table.add_row(name, *_numbers(levels[name]), f"[dim]{_limit(name)}[/]")
    console.print(table)
    month = Table(show_header=False, title=_month_title())
    month.title_justify = "left"
    for name, value in report.month().items():
        month.add_row(terminal_text(f"cli.soak.amounts.{name}"), f"{value:,.0f}")
    console.print(month)
    equal = sum(check.status == "ok" for check in report.checks)
    validations = ", ".join(f"{n} {_state(name)}" for name, n in report.validations.items())
    result = terminal_text(
        "cli.soak.result",
        equal=equal,
        comparisons=len(report.checks),
        state=_state(report.window_state),
        events=report.window.get("committed", 0),
        lost=report.window.get("lost", "?"),
        duplicated=report.window.get("duplicated", "?"),
        validations=validations or terminal_text("cli.soak.no_validations"),
    )
    console.print(result)
    for check in report.checks:
        if check.status != "ok":
            console.print(f"[red]{check.message}[/]")
    if growing:
        verdict = terminal_text("cli.soak.growing", series=", ".join(growing))
        console.print(f"[bold red]{verdict}[/]")
    elif report.passes:
        console.print(f"[bold green]{terminal_text('cli.soak.passed')}[/]")
    else:
        console.print(f"[bold red]{terminal_text('cli.soak.failed')}[/]")
    samples = terminal_text("cli.soak.samples", file=report.file)
    console.print(samples, soft_wrap=True, highlight=False)


_COLUMNS = ("start", "third", "last", "per_hour", "levels_off")

#: Text, below "cli.soak", and colour of a `Level.levels_off`.
_VERDICTS = {True: ("yes", "green"), False: ("no", "red"), None: ("too_short", "dim")}


def _state(name: str) -> str:
    return terminal_text(f"cli.soak.states.{name}")


def _month_title() -> str:
    gaps = {"minimum": f"{MINIMUM_GAP:g}", "maximum": f"{MAXIMUM_GAP:g}"}
    return terminal_text("cli.soak.month", **gaps)


def _limit(name: str) -> str:
    return terminal_text(f"cli.soak.bounded.{BOUNDED_LATER[name]}")


def _numbers(found: Level) -> list[str]:
    values = (found.start, found.warm, found.end, found.per_hour)
    return [f"{value:,.1f}" for value in values]
