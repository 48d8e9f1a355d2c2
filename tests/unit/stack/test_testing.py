"""`./ventas test`: which suites run beside which, what is shown, and what comes of it."""

import pytest

from include.stack import testing
from include.stack.stack import StackError


def test_a_suite_that_does_not_exist_is_named() -> None:
    with pytest.raises(StackError, match="There is no suite 'units'; there are: lint, types, unit"):
        testing.run_suites(["units"], None)


def test_what_needs_no_services_runs_beside_what_does() -> None:
    assert testing._together(["unit", "dags", "e2e"]) == [
        (["unit", "dags"], False),
        (["e2e"], True),
    ]
    assert testing._together(["unit"]) == [(["unit"], True)]
    assert testing._together([]) == []


def test_one_that_has_no_such_test_is_no_failure_and_none_at_all_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testing, "ALONE", ("unit/stack/test_ports.py",))
    monkeypatch.setattr(testing, "WITH_STACK", ("unit/stack/test_waiting.py",))
    monkeypatch.setattr(testing, "PYTEST_SUITES", (*testing.ALONE, *testing.WITH_STACK))
    assert testing.run_suites(testing.PYTEST_SUITES, "test_ports") == 0
    shown = capfd.readouterr().out
    assert "passed" in shown
    assert testing.run_suites(testing.PYTEST_SUITES, "nothing_has_this_name") == testing.NO_TESTS
