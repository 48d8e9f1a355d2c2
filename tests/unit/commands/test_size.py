"""`./ventas size`: its tables, its JSON, and the requests that it refuses."""

from __future__ import annotations

import json

import pytest

from commands.cli import main
from commands.size import druid_sizes
from include.gcp.estimate import estimate


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["size", *arguments]) == 0
    return capsys.readouterr().out


def test_tables_show_machines_costs_and_assumptions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = said(["--rate", "50000", "--machine", "n2-highmem-8"], capsys)
    assert "1 × n2-highmem-8, 12,015 GiB de pd-ssd" in out
    assert "precios del 2026-07-30" in out
    assert "no incluido" in out
    assert "20,000 eventos/s por tarea" in out
    assert "5,491.8 GiB por mes de entrada" in out


def test_json_has_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(["--rate", "50000", "--hours", "24", "--keep", "7", "--json"], capsys)
    found = json.loads(out)
    assert (found["partitions"], found["task_count"], found["hours"]) == (6, 3, 24)
    assert found["costs"]["vms"] == pytest.approx((8 * 0.05018 + 32 * 0.006725) * 24 * 30)
    assert found["costs"]["confluent_cloud"] is None
    assert found["usd_month"] == pytest.approx(sum(v for v in found["costs"].values() if v))
    assert found["druid"]["peon"]["direct"] == 564
    assert found["vms"][0]["machine_type"] == "n2-standard-8"


def test_cluster_shows_the_processes_of_a_data_machine() -> None:
    sizes = druid_sizes(estimate(1_000_000))
    assert list(sizes) == ["historical", "middleManager", "peon"]
    # Each machine gets 142,857 events/s: eight tasks.
    assert sizes["middleManager"].capacity == 17


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--rate", "2000000"], "at most 1,000,000"),
        (["--rate", "1", "--machine", "n2-standard-2"], "n2-highmem-2"),
        (["--rate", "1", "--region", "mars"], "southamerica-east1"),
    ],
)
def test_impossible_request_is_refused_with_an_alternative(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["size", *arguments]) == 1
    said = capsys.readouterr()
    assert reason in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--rate", "many"],
        ["--rate", "1", "--hours", "25"],
        ["--rate", "1", "--keep", "0"],
        ["--rate", "1", "--keep", "401"],
    ],
)
def test_option_out_of_range_is_refused_by_the_parser(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["size", *arguments])
    assert refused.value.code == 2
    assert "ventas size: error" in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["size", "--help"])
    out = capsys.readouterr().out
    assert "./ventas size --rate 50000 --machine n2-highmem-8" in out
    assert "docs/sizing.md" in out
