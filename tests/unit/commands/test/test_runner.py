"""`./ventas test`: which suites run in parallel, the checks before them, and the output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from commands.test import runner
from commands.test.free_resources import Free
from commands.test.runner import Run, chosen, lanes_of, run_suites, stacks_for
from commands.test.suites import DEFAULT, QUICK, SUITES
from include.stack.settings import ROOT
from include.stack.stack import StackError

PLENTY = Free(cores=8, memory_gib=32.0, disk_gib=100.0)


def python(name: str, code: str) -> Run:
    return Run(name, (sys.executable, "-c", code))


def names(lanes: list[list[Run]]) -> list[list[str]]:
    return [[run.name for run in lane] for lane in lanes]


def folders(run: Run) -> list[str]:
    return [part.removeprefix("tests/") for part in run.command if part.startswith("tests/")]


def test_unknown_suite_is_refused_with_the_known_names() -> None:
    with pytest.raises(
        StackError, match="No suite has the name 'units'; the suites are quick, full, lint, types"
    ):
        chosen(["units"])


@pytest.mark.parametrize(
    ("asked", "suites"),
    [
        ([], DEFAULT),
        (["quick"], QUICK),
        (["full"], tuple(SUITES)),
        (["e2e", "unit"], ("unit", "e2e")),
    ],
)
def test_suites_are_chosen_by_name_or_selection(asked: list[str], suites: tuple[str, ...]) -> None:
    assert chosen(asked) == suites


def test_every_suite_is_a_folder_of_tests_or_a_tool() -> None:
    tests = ROOT / "tests"
    there = {path.parent.name for path in tests.glob("*/test_*.py")}
    there |= {path.relative_to(tests).parts[0] for path in tests.glob("*/*/**/test_*.py")}
    assert {name for name, suite in SUITES.items() if suite.kind != "check"} == there


def test_one_stack_runs_its_suites_one_after_the_other(tmp_path: Path) -> None:
    lanes = lanes_of(tuple(SUITES), None, tmp_path, stacks=1, temporary=tmp_path)
    assert names(lanes) == [["types"], ["cores", "broker"], ["stack", "secure", "apart"]]
    stack, secure, apart = lanes[2]
    assert folders(stack)[:5] == ["e2e", "integration", "browser", "backfill", "ingestion"]
    assert folders(secure) == ["e2e", "backfill", "recovery", "secure"]
    assert folders(apart) == ["compose", "vm"]
    assert stack.environment == {"VENTAS_SECURE": "0", "VENTAS_TEST_STACK": "0"}
    assert secure.environment == {"VENTAS_SECURE": "1", "VENTAS_TEST_STACK": "0"}


@pytest.mark.parametrize(
    ("suites", "cores", "workers"),
    [
        (("unit",), 2, "2"),
        (("unit", "e2e"), 2, "0"),
        (("unit", "e2e"), 4, "3"),
        (("unit",), 1, "0"),
    ],
)
def test_suites_without_services_leave_a_core_to_a_stack(
    suites: tuple[str, ...],
    cores: int,
    workers: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    run = lanes_of(suites, None, tmp_path, stacks=1, temporary=tmp_path)[0][0]
    assert run.command[run.command.index("-n") + 1] == workers


def test_second_stack_runs_the_suites_with_windows(tmp_path: Path) -> None:
    *_, first, second = lanes_of(DEFAULT, None, tmp_path, stacks=2, temporary=tmp_path)
    assert folders(first[0]) == ["integration", "browser"]
    assert folders(second[0]) == ["e2e"]
    assert second[0].environment["VENTAS_TEST_STACK"] == "1"


def test_expression_and_junit_file_are_passed_to_pytest(tmp_path: Path) -> None:
    [[run]] = lanes_of(("unit",), "ports and not busy", tmp_path, stacks=1, temporary=tmp_path)
    assert run.command[-3:] == (f"--junitxml={tmp_path}/cores.xml", "-k", "ports and not busy")


@pytest.mark.parametrize(
    ("free", "stacks"),
    [
        (PLENTY, 2),
        (PLENTY._replace(cores=2), 1),
        (PLENTY._replace(memory_gib=11.9), 1),
    ],
)
def test_second_stack_needs_cores_and_memory(free: Free, stacks: int) -> None:
    assert stacks_for(free) == stacks


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (PLENTY._replace(memory_gib=3.2), r"need 6\.0 GiB of free memory, but only 3\.2"),
        (PLENTY._replace(disk_gib=0.3), "of free disk, but only 0.3"),
    ],
)
def test_too_little_memory_or_disk_is_refused_before_anything_runs(
    free: Free, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "free", lambda _: free)
    monkeypatch.setattr(runner, "LINT", ((),))
    with pytest.raises(StackError, match=told):
        run_suites([], None, tmp_path)


def test_lanes_run_in_parallel_and_runs_of_a_lane_in_sequence(tmp_path: Path) -> None:
    # Each of the first two runs waits for the other one's file, so both must run at once.
    meet = (
        "import pathlib, sys, time; here = pathlib.Path({folder!r}); (here / {mine!r}).touch()\n"
        "while not (here / {other!r}).exists(): time.sleep(0.02)"
    )
    one, two = (
        python(mine, meet.format(folder=str(tmp_path), mine=mine, other=other))
        for mine, other in (("one", "two"), ("two", "one"))
    )
    after = python("after", f"import os; assert os.path.exists({str(tmp_path / 'one')!r})")
    codes = runner._run_lanes([[one, after], [two]], tmp_path)
    assert codes == {"one": 0, "two": 0, "after": 0}


def test_runs_without_a_stack_have_a_lower_priority(tmp_path: Path) -> None:
    types, cores, stack = lanes_of(DEFAULT, None, tmp_path, stacks=1, temporary=tmp_path)
    assert types[0].niceness == cores[0].niceness > stack[0].niceness == 0
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + 7, 19)
    code = f"import os, time\nwhile os.getpriority(os.PRIO_PROCESS, 0) != {nice}: time.sleep(0.02)"
    assert runner._run_lanes([[python("nice", code)._replace(niceness=7)]], tmp_path) == {"nice": 0}


def test_failed_run_prints_its_output_and_the_folders_to_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lanes = [[python("bad", "print('the reason'); raise SystemExit(3)")], [python("good", "")]]
    codes = runner._run_lanes(lanes, tmp_path)
    runner._print_results(codes, tmp_path, Path("/home/of/tests"), 90)
    printed = capsys.readouterr().out
    assert codes == {"bad": 3, "good": 0}
    assert "the reason" in printed
    assert f"Fallaron: bad. Salida y archivos JUnit: {tmp_path}" in printed
    assert "/home/of/tests/test*/logs" in printed
    assert "/home/of/tests/screenshots" in printed
    assert "Falló en 1.5 min." in printed


def test_run_without_matching_tests_passes_unless_all_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "free", lambda _: PLENTY)

    def run(*codes: int) -> int:
        lanes = [[python(f"run{n}", f"raise SystemExit({c})")] for n, c in enumerate(codes)]
        monkeypatch.setattr(runner, "lanes_of", lambda *_: lanes)
        return run_suites(["unit"], "some_name", tmp_path)

    assert run(runner.NO_TESTS, 0) == 0
    assert run(runner.NO_TESTS, 1) == 1
    assert run(runner.NO_TESTS) == runner.NO_TESTS
