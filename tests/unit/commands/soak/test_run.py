"""The soak's command line, and the differences of its supervisor from the project's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commands import cli
from commands.soak import run as module
from include.druid.client import DruidUnreachableError
from include.druid.supervisor import supervisor_spec
from include.stack import stack

KAFKA = {"bootstrap.servers": "kafka:9092"}


@pytest.mark.parametrize(
    ("hours", "words"),
    [("13", "not between 0.05 and 12 hours"), ("0", "0.05"), ("long", "not a number of hours")],
)
def test_hours_out_of_range_are_refused_before_anything_starts(
    hours: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["soak", "--hours", hours])
    assert words in capsys.readouterr().err


def test_help_explains_samples_rule_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["soak", "--help"])
    said = capsys.readouterr().out
    for words in ("soak.csv", "last quarter", "5 %", "ledger", "exit code"):
        assert words in said


def test_supervisor_spec_differs_from_the_projects_only_in_task_duration() -> None:
    spec = module._spec(KAFKA)
    assert spec["spec"]["ioConfig"]["taskDuration"] == "PT60S"
    spec["spec"]["ioConfig"]["taskDuration"] = "PT1H"
    assert spec == supervisor_spec(KAFKA, topic="soak", datasource="soak")


def test_failed_soak_gives_one_sentence_stops_the_stack_and_keeps_logs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped: list[Path] = []

    def up(own: Any, _: object) -> None:
        (own.home / "conf" / "coordinator").mkdir(parents=True)
        own.logs.mkdir()
        (own.logs / "kafka.log").write_text("the last words")

    class Broken:
        def __init__(self, *_: object) -> None: ...

        def run(self) -> None:
            raise DruidUnreachableError("Druid does not answer")

    monkeypatch.setenv("VENTAS_HOME", str(tmp_path))
    monkeypatch.setattr(stack, "up", up)
    monkeypatch.setattr(stack, "down", lambda own: stopped.append(own.home))
    monkeypatch.setattr(module, "_Soak", Broken)
    assert cli.main(["soak", "--hours", "0.05"]) == 1
    assert "The soak ended early: Druid does not answer" in capsys.readouterr().err
    [home] = stopped
    assert not home.exists()
    assert (tmp_path / "logs" / "soak" / "kafka.log").read_text() == "the last words"
