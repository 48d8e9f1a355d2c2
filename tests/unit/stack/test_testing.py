"""`./ventas test`: which suites run beside which, what is shown, and what comes of it."""

import pytest

from include.stack import testing
from include.stack.stack import StackError


def test_a_suite_that_does_not_exist_is_named() -> None:
    with pytest.raises(StackError, match="There is no suite 'units'; there are: lint, types, unit"):
        testing.run_suites(["units"], None)


def test_suites_run_beside_those_of_other_groups() -> None:
    assert testing._together(["unit", "e2e", "dags", "browser"]) == [
        (["unit", "dags"], False),
        (["browser"], False),
        (["e2e"], True),
    ]
    assert testing._together(["unit"]) == [(["unit"], True)]
    assert testing._together([]) == []


@pytest.mark.parametrize(
    ("suites", "run"),
    [
        (["secure"], [(["e2e", "recovery", "secure"], "1", "0")]),
        (["e2e"], [(["e2e"], "0", "0")]),
        (
            ["e2e", "secure"],
            [(["e2e"], "0", "0"), (["e2e", "recovery", "secure"], "1", "0")],
        ),
        (
            [],
            [
                (["unit", "dags", "recovery"], "0", "0"),
                (["integration", "browser"], "0", "1"),
                (["e2e"], "0", "2"),
                (["secure"], "1", "0"),
            ],
        ),
    ],
)
def test_all_of_the_secured_stacks_tests_run_where_they_are_named(
    monkeypatch: pytest.MonkeyPatch, suites: list[str], run: list[tuple[list[str], str, str]]
) -> None:
    started: list[tuple[list[str], str, str]] = []

    class Process:
        def __init__(self, command: list[str], *, env: dict[str, str], **_: object) -> None:
            folders = [part for part in command if part.startswith("tests/")]
            names = [folder.removeprefix("tests/") for folder in folders]
            started.append((names, env["VENTAS_SECURE"], env["VENTAS_TEST_STACK"]))

        def wait(self) -> int:
            return 0

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(testing.subprocess, "Popen", Process)
    monkeypatch.setattr(testing, "CHECKS", {})
    assert testing.run_suites(suites, None) == 0
    assert started == run


def test_one_that_has_no_such_test_is_no_failure_and_none_at_all_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    suites = ("unit/stack/test_ports.py", "unit/stack/test_waiting.py")
    monkeypatch.setattr(testing, "GROUPS", tuple((suite,) for suite in suites))
    monkeypatch.setattr(testing, "PYTEST_SUITES", suites)
    assert testing.run_suites(testing.PYTEST_SUITES, "test_ports") == 0
    shown = capfd.readouterr().out
    assert "passed" in shown
    assert testing.run_suites(testing.PYTEST_SUITES, "nothing_has_this_name") == testing.NO_TESTS
