"""The scenarios that `./ventas chaos` runs and their results; `tests/chaos` uses a real stack."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from commands import cli
from commands.chaos import run as chaos
from commands.chaos.run import Outcome
from commands.chaos.scenarios import SCENARIOS, Scenario
from commands.chaos.verify import Verdict

WELL = Verdict(events=100, lost=0, duplicated=0, changed=0, equal=True, summary="all is equal")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, int]]:
    """The scenarios that ran, with their rounds; `kafka` loses an event in each."""
    runs: list[tuple[str, int]] = []

    def run(
        _: object, __: object, name: str, scenario: Scenario, rounds: int, *___: object
    ) -> Outcome:
        runs.append((name, rounds))
        outcome = Outcome(name, scenario.text, limit=scenario.limit)
        for _round in range(rounds):
            outcome.rounds += 1
            outcome.recoveries.append(5.0)
            outcome.add(WELL._replace(lost=int(name == "kafka")))
        return outcome

    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(chaos, "run_scenario", run)
    monkeypatch.setattr(chaos, "close_windows", lambda *_: Outcome("windows", ""))
    monkeypatch.setattr(chaos, "_stack", lambda *_: nullcontext())
    return runs


def test_help_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["chaos", "--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in SCENARIOS)


def test_named_scenarios_run_the_requested_number_of_rounds(ran: list[Any]) -> None:
    assert cli.main(["chaos", "--scenario", "indexer", "vm", "--rounds", "2"]) == 0
    assert ran == [("indexer", 2), ("vm", 2)]


def test_all_scenarios_run_five_rounds_and_one_loss_fails_the_command(
    ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["chaos", "--json"]) == 1
    assert ran == [(name, 5) for name in SCENARIOS]
    told = {it["scenario"]: it for it in json.loads(capsys.readouterr().out)}
    assert told["vm"]["passed"]
    assert told["vm"]["recovery_s"] == [5.0] * 5
    assert (told["kafka"]["lost"], told["kafka"]["passed"]) == (5, False)


@pytest.mark.parametrize("rounds", ["0", "-1", "100001", "many", "1.5"])
def test_invalid_number_of_rounds_is_refused(
    rounds: str, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["chaos", f"--rounds={rounds}"])
    assert "is not a number of rounds from 1 to 100" in capsys.readouterr().err


def test_recovery_over_its_limit_fails_the_scenario_without_any_loss() -> None:
    outcome = Outcome("kafka", "", rounds=2, recoveries=[12.0, 19.0], limit=20)
    outcome.add(WELL)
    assert outcome.passed
    outcome.recoveries.append(21.0)
    assert not outcome.passed
