"""`./ventas chaos`: harm a stack in rounds, scenario by scenario, and verify its sales."""

import json
import shutil
import statistics
import time
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from commands.chaos.disks import small_disk
from commands.chaos.lab import Lab, now
from commands.chaos.load import Load
from commands.chaos.network.behind_proxy import BehindProxy
from commands.chaos.producer import source_of
from commands.chaos.round import Round
from commands.chaos.scenarios import SCENARIOS, Scenario
from commands.chaos.verify import Verdict, verify
from commands.chaos.windows import Windows
from commands.progress import StackProgress
from include.stack import security, stack
from include.stack.folder import claim
from include.stack.settings import Settings
from include.stack.temporary import stopped_in_order, temporary_settings
from include.texts import terminal_text

ROUNDS = 5

_CALM = 3.0
"""Seconds of undisturbed load before the harm and after the recovery."""

_REPORT_DELAY = 0.5
_DISK_SIZE = 1536
"""MiB."""

_WINDOW = 600.0

_COLUMNS = (
    *("scenario", "rounds", "events", "lost", "duplicated", "changed", "ledger"),
    "recovery",
)


@dataclass
class Outcome:
    """Result of a scenario: the sums over its rounds and over the windows that ended meanwhile."""

    name: str
    text: str
    rounds: int = 0
    events: int = 0
    lost: int = 0
    duplicated: int = 0
    changed: int = 0
    equal: bool = True
    recoveries: list[float] = field(default_factory=list)
    limit: float | None = None
    failures: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        self._sum(verdict)
        if not verdict.passed:
            self.failures.append(verdict.summary)

    def include(self, other: "Outcome") -> None:
        """Add the sums, recoveries and failures of another outcome."""
        self._sum(other)
        self.rounds += other.rounds
        self.recoveries += other.recoveries
        self.failures += [f"{other.name}: {failure}" for failure in other.failures]

    def _sum(self, found: "Verdict | Outcome") -> None:
        self.events += found.events
        self.lost += found.lost
        self.duplicated += found.duplicated
        self.changed += found.changed
        self.equal &= found.equal

    @property
    def passed(self) -> bool:
        """Whether every round passed and recovered within the limit."""
        late = self.limit is not None and max(self.recoveries, default=0) > self.limit
        return not self.failures and not late

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.name,
            "rounds": self.rounds,
            "events": self.events,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "changed": self.changed,
            "ledger_equal": self.equal,
            "recovery_s": [round(seconds, 1) for seconds in self.recoveries],
            "recovery_p50_s": round(statistics.median(self.recoveries), 1)
            if self.recoveries
            else None,
            "recovery_max_s": round(max(self.recoveries), 1) if self.recoveries else None,
            "limit_s": self.limit,
            "passed": self.passed,
            "failures": self.failures,
        }


def run_chaos(
    settings: Settings, console: Console, *, names: Sequence[str], rounds: int, as_json: bool
) -> int:
    """Run the named scenarios, or all, and print a table; return 0 only if every round passed."""
    messages = Console(stderr=True) if as_json else console
    scenarios = [(name, SCENARIOS[name]) for name in names or SCENARIOS]
    outcomes = run_scenarios(settings, messages, scenarios, rounds)
    if as_json:
        print(json.dumps([outcome.to_dict() for outcome in outcomes]))
    else:
        console.print(outcomes_table(outcomes))
    print_failures(settings, messages, outcomes)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def run_scenarios(
    settings: Settings,
    messages: Console,
    scenarios: Sequence[tuple[str, Scenario]],
    rounds: int,
    *,
    timeout: float = 3,
) -> list[Outcome]:
    """Run the scenarios, each with its name, on a stack of their own.

    `timeout` is the lab's. Return the scenarios' outcomes, in order, and that of the last window.
    """
    kept = _kept(settings)
    outcomes = []
    disks = {folder for _, scenario in scenarios for folder in scenario.disks}
    with stopped_in_order(), temporary_settings(settings) as own, _stack(own, messages, disks):
        lab = Lab(own, timeout)
        windows = Windows(lab, _WINDOW)
        for name, scenario in scenarios:
            messages.print(f"[bold]{name}[/]: {scenario.text}", soft_wrap=True)
            outcomes.append(run_scenario(lab, windows, name, scenario, rounds, kept, messages))
        outcomes.append(close_windows(lab, windows, kept / "windows"))
    return outcomes


def print_failures(settings: Settings, messages: Console, outcomes: Sequence[Outcome]) -> None:
    """Print each failure, and the folder of the logs; nothing if all passed."""
    for outcome in outcomes:
        for failure in outcome.failures:
            messages.print(f"[red]{outcome.name}[/]: {failure}", soft_wrap=True)
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    if failed:
        summary = terminal_text("cli.chaos.failed", scenarios=", ".join(failed))
        logs = terminal_text("cli.chaos.logs", folder=_kept(settings))
        messages.print(f"[bold red]{summary}[/] {logs}")


def run_scenario(
    lab: Lab,
    windows: Windows,
    name: str,
    scenario: Scenario,
    rounds: int,
    kept: Path,
    console: Console | None = None,
) -> Outcome:
    """Run the rounds of a scenario on a running stack, and verify that no sale is lost.

    The logs of a failed scenario go to its folder in `kept`. Windows that end meanwhile count for
    this scenario; the last window is still open at the end.
    """
    outcome = Outcome(name, scenario.text, limit=scenario.limit)
    folder = kept / name
    folder.mkdir(parents=True, exist_ok=True)
    with _failures_recorded(outcome, lab, folder):
        for number in range(1, rounds + 1):
            window = windows.selling(scenario.seconds, name)
            recovery, verdict = _round(lab, name, scenario, window, folder)
            outcome.rounds += 1
            outcome.recoveries.append(recovery)
            outcome.add(verdict)
            if console:
                line = f"  {number}/{rounds}: {recovery:.1f} s, {verdict.summary}"
                console.print(line, highlight=False, soft_wrap=True)
    for verdict in windows.verdicts:
        outcome.add(verdict)
    windows.verdicts.clear()
    return outcome


def close_windows(lab: Lab, windows: Windows, kept: Path) -> Outcome:
    """Wait for the end of the last window and verify it."""
    outcome = Outcome("windows", "the last Airflow window that sold during the scenarios")
    with _failures_recorded(outcome, lab, kept):
        windows.close()
    for verdict in windows.verdicts:
        outcome.add(verdict)
    return outcome


@contextmanager
def _failures_recorded(outcome: Outcome, lab: Lab, folder: Path) -> Iterator[None]:
    """Turn any exception into a failure of this outcome, so that the other scenarios still run."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a scenario breaks things
        outcome.equal = False
        outcome.failures.append(f"{type(error).__name__}: {error}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
    if not outcome.passed:
        _keep_logs(lab.settings, folder)


def _round(
    lab: Lab, name: str, scenario: Scenario, window: str, folder: Path
) -> tuple[float, Verdict]:
    """Harm the stack once under load; return the seconds of recovery and the load's verdict."""
    began = now()
    corrida = f"caos__{name}__{began:%Y%m%dT%H%M%S}"
    kafka = security.kafka_config(lab.settings)
    with ExitStack() as running:
        network = None
        if scenario.behind_proxy:
            network = running.enter_context(BehindProxy(kafka, corrida))
            kafka = network.kafka
        load = running.enter_context(Load(kafka, corrida, folder / "producer.log"))
        lab.until(lambda: lab.rows(corrida) > 0, "the first sale of the load in Druid", 120)
        time.sleep(_CALM)
        since = scenario.harm(Round(lab, load, window, network))
        recovery = _recovered(lab, load, window, scenario, since)
        lab.until(lab.is_whole, "a whole Druid", scenario.patience)
        time.sleep(_CALM)
        acknowledged = load.finish()
    return recovery, verify(lab.settings, source_of(corrida), began, acknowledged)


def _recovered(lab: Lab, load: Load, window: str, scenario: Scenario, since: float) -> float:
    """Wait until Druid shows new sales and all sales before them; return the seconds from `since`.

    For the load, this is when Druid has as many rows as Kafka had acknowledged at the first
    acknowledgement after the harm. Load and window must both go on, whichever is measured; if both
    are, the seconds are those of the later one.
    """
    # The producer may report acknowledgements from before the harm a moment later.
    time.sleep(_REPORT_DELAY)
    before, wanted = load.acknowledged, 0

    def load_is_there() -> bool:
        nonlocal wanted
        if not wanted and load.acknowledged > before:
            wanted = load.acknowledged
        return bool(wanted) and lab.rows(load.corrida) >= wanted

    def window_is_there() -> bool:
        return lab.newest(window) > since

    def is_measured(seller: str) -> bool:
        return scenario.measured in (seller, "both")

    seconds = 0.0
    sellers = {"load": load_is_there, "window": window_is_there}
    for seller in sorted(sellers, key=is_measured, reverse=True):
        lab.until(sellers[seller], f"new sales of the {seller} in Druid", scenario.patience)
        if is_measured(seller):
            seconds = time.time() - since
    return seconds


def outcomes_table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(*(terminal_text(f"cli.chaos.{column}") for column in _COLUMNS))
    for outcome in outcomes:
        found = outcome.to_dict()
        colour = "green" if outcome.passed else "red"
        table.add_row(
            f"[{colour}]{outcome.name}[/]",
            str(outcome.rounds),
            str(outcome.events),
            str(outcome.lost),
            str(outcome.duplicated),
            str(outcome.changed),
            terminal_text("cli.chaos.equal" if outcome.equal else "cli.chaos.differs"),
            f"{found['recovery_p50_s']} / {found['recovery_max_s']} s",
        )
    return table


@contextmanager
def _stack(own: Settings, console: Console, disks: Collection[Path]) -> Iterator[None]:
    """Run the stack; each of the folders `disks`, below its own, is a small disk."""
    claim(own.home)
    with ExitStack() as unmounting:
        for folder in disks:
            unmounting.enter_context(small_disk(own.home / folder, _DISK_SIZE))
        try:
            with StackProgress(console) as progress:
                stack.up(own, progress.callbacks())
            yield
        finally:
            stack.down(own)


def _kept(settings: Settings) -> Path:
    return settings.home / "chaos"


def _keep_logs(settings: Settings, folder: Path) -> None:
    shutil.copytree(settings.logs, folder / "logs", dirs_exist_ok=True)
    airflow = settings.home / "airflow" / "logs"
    if airflow.exists():
        shutil.copytree(airflow, folder / "airflow", dirs_exist_ok=True)
