"""The parts that `./ventas bench` runs, their order, and its output."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from commands import cli
from commands.bench import run as bench
from commands.bench.page import FULL, QUICK, Size, figures
from commands.bench.parts import PARTS, Part, run_part
from include.stack import stack
from include.stack.settings import Settings
from include.stack.stack import StackError
from tests.unit.commands.bench.support import STAGE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings.from_environment({"VENTAS_HOME": str(tmp_path / "home")})


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """The parts that ran, with their sizes; nothing real is started."""
    runs: list[tuple[str, tuple[str, ...]]] = []

    class NoServices:
        def __init__(self, *_: object) -> None: ...

        kafka = druid = staticmethod(lambda: nullcontext("there"))

    def run(part: Part, *_: object, size: tuple[str, ...], **__: object) -> dict[str, Any]:
        runs.append((part.name, size))
        return {"per_second": 1.0, "sustained_vs_drain": 1, "p99_ms": 1, "cpu_pct": 1, "rss_mb": 1}

    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(stack, "products", lambda *_: {})
    monkeypatch.setattr(bench, "Services", NoServices)
    monkeypatch.setattr(bench, "run_part", run)
    return runs


def test_load_and_perf_test_alternate(ran: list[Any]) -> None:
    assert cli.main(["bench"]) == 0
    names = [name for name, _ in ran]
    compared = ["load", "perf_test"] * bench.ROUNDS
    assert names == ["generate", *compared, "faker", "druid", "cadence"]
    assert all(size == PARTS[name].full for name, size in ran)


def test_only_named_parts_run_and_quick_makes_them_smaller(ran: list[Any]) -> None:
    assert cli.main(["bench", "--quick", "load", "faker"]) == 0
    assert [name for name, _ in ran] == [*["load"] * bench.ROUNDS, "faker"]
    assert all(size == PARTS[name].quick for name, size in ran)


def test_json_output_is_one_object_with_every_key(
    ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", "--json", "load", "perf_test", "cadence"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "load_vs_perf_test",
        "load_vs_faker",
        "generate_per_core_s",
        "druid_vs_drain",
        "cadence_p99_ms",
        "producer_cpu_pct",
        "producer_rss_mb",
        "page_first_paint_s",
        "page_api_p95_ms",
        "page_explore_p95_ms",
        "page_event_on_screen_s",
        "page_viewers_p95_ms",
        "page_crowding",
        "page_viewers_held",
        "page_first_minutes_p95_ms",
        "page_growth",
        "page_cpu_ms",
        "page_cpu_growth",
        "details",
    ]
    assert (found["load_vs_perf_test"], found["druid_vs_drain"]) == (1, None)
    assert len(found["details"]["load"]) == bench.ROUNDS


def test_page_is_measured_only_if_it_is_named(
    ran: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = []

    def measure(_: object, __: object, size: Size) -> dict[str, Any]:
        sizes.append(size)
        return {**figures([STAGE]), "sizes": [STAGE]}

    monkeypatch.setattr(bench, "measure_page", measure)
    assert cli.main(["bench", "generate"]) == 0
    assert sizes == []
    ran.clear()
    assert cli.main(["bench", "page", "--quick"]) == 0
    capsys.readouterr()
    options = ["--past", "5,20", "--rate", "0.67,50", "--first-minutes", "0"]
    assert cli.main(["bench", "--json", "page", *options]) == 0
    chosen = FULL._replace(pasts=(5, 20), rates=(0.67, 50), first=0)
    assert (ran, sizes) == ([], [QUICK, chosen])
    found = json.loads(capsys.readouterr().out)
    assert found["page_api_p95_ms"] == STAGE["api"]["p95_ms"]
    assert found["details"]["page"][0]["sizes"] == [STAGE]


@pytest.mark.parametrize("past", ["5,many", "5,", "0"])
def test_past_that_is_no_list_of_millions_is_refused(
    past: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["bench", "page", "--past", past])
    assert "million events" in capsys.readouterr().err


def test_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["bench", "loud"])
    assert "'loud'" in capsys.readouterr().err


def test_help_names_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["bench", "--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in bench.NAMES)


def test_failed_part_raises_one_sentence_with_its_log(settings: Settings) -> None:
    part = PARTS["load"]
    addresses = ["--kafka", "127.0.0.1:1", "--topik", "t"]
    with pytest.raises(StackError) as failed:
        run_part(part, settings, settings.logs, size=(), addresses=addresses)
    said = str(failed.value)
    assert "The part load failed (" in said
    assert "--topic" in said
    assert said.endswith(f"see {settings.logs / 'bench-load.log'}")
    assert "\n" not in said
