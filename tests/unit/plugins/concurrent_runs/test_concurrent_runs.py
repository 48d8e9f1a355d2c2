"""Runs that use Druid at the same time: at least one closes, and the last one stops the VM."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.unit.plugins.clock import Clock
from tests.unit.plugins.concurrent_runs.support import BACKFILL, SHARERS, WINDOW, Airflow
from ventas_airflow.concurrent_runs import TASKS, Stage, stage, users


def found(ti: Any) -> dict[str, Stage]:
    return users(ti, SHARERS, patience=5, interval=1)


@pytest.mark.parametrize(
    ("starts", "opens", "closes", "expected"),
    [
        (None, None, None, Stage.NONE),
        ("running", None, None, Stage.OPENING),
        ("deferred", None, None, Stage.OPENING),
        ("up_for_retry", None, None, Stage.OPENING),
        ("success", None, None, Stage.OPENING),
        ("success", "running", None, Stage.OPENING),
        ("success", "success", None, Stage.OPEN),
        ("success", "success", "scheduled", Stage.OPEN),
        ("success", "success", "up_for_retry", Stage.OPEN),
        ("success", "success", "running", Stage.CLOSING),
        ("success", "success", "deferred", Stage.CLOSING),
        ("success", "success", "success", Stage.NONE),
        ("success", "success", "failed", Stage.NONE),
        # These runs will close nothing later.
        ("failed", "upstream_failed", "upstream_failed", Stage.NONE),
        ("upstream_failed", "upstream_failed", None, Stage.NONE),
        ("success", "failed", None, Stage.NONE),
        # A back-fill closes even if its opening failed.
        ("success", "failed", "running", Stage.CLOSING),
    ],
)
def test_stage_follows_the_states_of_the_tasks(
    starts: Any, opens: Any, closes: Any, expected: Stage
) -> None:
    assert stage(dict(zip(TASKS, (starts, opens, closes), strict=True))) is expected


def test_own_run_and_ended_runs_are_not_users() -> None:
    done = ("success", "success", "success")
    mine = ("success", "success", "running")
    assert found(Airflow({WINDOW: {"mine": mine, "yesterday": done}})) == {}


def test_ingesting_run_of_either_dag_is_a_user() -> None:
    ingests = ("success", "success", None)
    ti = Airflow({WINDOW: {"mine": ingests, "cleared": ingests}, BACKFILL: {"theirs": ingests}})
    assert found(ti) == {
        "sales_window/cleared": Stage.OPEN,
        "sales_backfill/theirs": Stage.OPEN,
    }


def test_run_that_was_ended_by_hand_is_not_a_user() -> None:
    ti = Airflow({BACKFILL: {"theirs": ("success", "success", None)}})
    ti.ended = {"sales_backfill/theirs"}
    assert found(ti) == {}


def test_opening_run_is_waited_for_until_it_uses_druid_or_fails(clock: Clock) -> None:
    opening = {BACKFILL: {"theirs": ("running", None, None)}}
    opened = {BACKFILL: {"theirs": ("success", "success", None)}}
    failed = {BACKFILL: {"theirs": ("failed", "upstream_failed", None)}}
    assert found(Airflow(opening, opening, opened)) == {"sales_backfill/theirs": Stage.OPEN}
    assert found(Airflow(opening, opening, failed)) == {}
    with pytest.raises(AirflowException, match=r"^sales_backfill/theirs did not start to use"):
        found(Airflow(opening))
    assert clock.passed > 5


def closes(ti: Any) -> bool:
    """Return whether `suspend_supervisor` suspends."""
    return Stage.OPEN not in found(ti).values()


def stops(ti: Any) -> bool:
    """Return whether `stop_vm` stops the VM."""
    return not found(ti)


def test_in_every_interleaving_one_run_closes_and_the_last_one_stops_the_vm() -> None:
    """Play all 70 interleavings of two runs' steps: begin to close, look, end, look and stop."""

    def play(order: tuple[int, ...]) -> tuple[list[bool], list[bool]]:
        state: list[Any] = [None, None]
        closed: list[bool] = []
        stopped: list[bool] = []
        done = [0, 0]
        for who in order:
            other = ("success", "success", state[1 - who])
            ti = Airflow({BACKFILL: {"theirs": other}})
            match done[who]:
                case 0:
                    state[who] = "running"
                case 1:
                    closed.append(closes(ti))
                case 2:
                    state[who] = "success"
                case 3:
                    stopped.append(stops(ti))
            done[who] += 1
        return closed, stopped

    orders = {
        tuple(int(bit) for bit in f"{number:08b}")
        for number in range(256)
        if f"{number:08b}".count("1") == 4
    }
    assert len(orders) == 70
    for order in orders:
        closed, stopped = play(order)
        assert any(closed), order
        assert stopped[-1], order


def test_vm_is_not_stopped_while_another_run_hands_off() -> None:
    assert not stops(Airflow({BACKFILL: {"theirs": ("success", "success", "deferred")}}))


def test_without_sharers_airflow_is_not_asked() -> None:
    nobody: Any = SimpleNamespace()
    assert users(nobody, (), patience=1, interval=1) == {}
