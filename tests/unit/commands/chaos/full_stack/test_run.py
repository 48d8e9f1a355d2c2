"""`./ventas chaos --random --full-stack`: its result, and the schedule it prints for a replay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from commands import cli
from commands.chaos import clocks
from commands.chaos.full_stack import run
from commands.chaos.full_stack.harms import StackHarm, StackSchedule, drawn
from commands.chaos.run import Outcome
from commands.chaos.verify import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from commands.chaos.scenarios import Scenario

HARMS = (StackHarm("kill", "kafka", 1.5), StackHarm("stop", "indexer", 3.5, 2.5))
GIVEN = StackSchedule("given", HARMS)
TEXT = msgspec.json.encode(GIVEN).decode()


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Replace the stack by one that recovers in 5 s, and loses an event in the given schedule."""

    def run_scenarios(
        _: object, __: object, scenarios: Sequence[tuple[str, Scenario]], rounds: int, **___: object
    ) -> list[Outcome]:
        outcomes = [
            Outcome(name, scenario.text, rounds, recoveries=[5.0]) for name, scenario in scenarios
        ]
        for outcome in outcomes:
            lost = int(outcome.name == "given")
            outcome.add(Verdict(100, lost, 0, 0, equal=not lost, summary=f"{lost} lost"))
        return [*outcomes, Outcome("windows", "")]

    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(run, "run_scenarios", run_scenarios)
    library = tmp_path / "x" / "faketime" / "libfaketimeMT.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.setattr(clocks, "_LIBRARIES", tmp_path)


def test_rounds_are_drawn_from_the_seed_and_summed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["chaos", "--random", "--full-stack", "--seed", "3", "--rounds", "4", "--json"]
    assert cli.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schedules"], told["events"], told["lost"], told["failed"]) == (4, 400, 0, [])
    assert sum(told["harms"].values()) == sum(len(drawn(3, number).harms) for number in range(4))
    assert (told["recovery_p50_s"], told["ledger_equal"], told["passed"]) == (5.0, True, True)


def test_failed_schedule_fails_the_command_and_is_printed_for_a_replay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["chaos", "--full-stack", "--schedule", TEXT, "--rounds", "1"]) == 1
    said = capsys.readouterr().out
    assert "given: 1 lost" in said
    assert TEXT in said


def test_clocks_are_refused_without_the_library_that_sets_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clocks, "_LIBRARIES", tmp_path / "empty")
    schedule = StackSchedule("given", (StackHarm("forward", "kafka-clock", 1, 20),))
    text = msgspec.json.encode(schedule).decode()
    assert cli.main(["chaos", "--full-stack", "--schedule", text]) == 1
    assert "libfaketime is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name": "x"}', "missing required field"),
        (TEXT.replace("kafka", "moon"), "the parts are kafka, "),
        (TEXT.replace("kill", "lock"), "the harms to kafka are kill, stop, not 'lock'"),
    ],
)
def test_text_that_is_no_schedule_is_refused(
    text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["chaos", "--full-stack", "--schedule", text]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "needs --random or --schedule"),
        (["--random", "--naive"], "neither with --naive nor with --brokers"),
        (["--random", "--brokers", "3"], "neither with --naive nor with --brokers"),
    ],
)
def test_options_that_do_not_go_with_the_full_stack_are_refused(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["chaos", "--full-stack", *options]) == 1
    assert reason in capsys.readouterr().err
