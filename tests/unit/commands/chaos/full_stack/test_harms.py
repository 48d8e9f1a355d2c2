"""Schedules of harms to the full stack: drawn from a seed, and done by threads to a stand-in."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from commands.chaos.full_stack import harms
from commands.chaos.full_stack.harms import PARTS, StackHarm, StackSchedule, drawn, inflict
from commands.chaos.lab import ChaosError
from commands.chaos.network.harms import Harm
from commands.chaos.network.wire import Api
from commands.chaos.round import Round
from include.druid.client import DruidError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MANY = [drawn(1, number) for number in range(400)]


class Stack:
    """A stack, its load and its window, which note what happens to each part."""

    def __init__(self) -> None:
        self.done: dict[str, list[str]] = defaultdict(list)
        self.druid = SimpleNamespace(hand_off=self._refused)
        self.together = threading.Barrier(1)
        self.settings = SimpleNamespace(home=Path("/stack"))

    def processes(self, name: str = "producer") -> list[Any]:
        def stop() -> None:
            self.together.wait(60)
            self.done[name].append("stopped")

        return [
            SimpleNamespace(
                kill=lambda: self.done[name].append("killed"),
                suspend=stop,
                resume=lambda: self.done[name].append("resumed"),
            )
        ]

    def task_processes(self) -> list[Any]:
        return self.processes("tasks")

    @contextmanager
    def database_locked(self) -> Iterator[None]:
        self.done["database"].append("locked")
        yield
        self.done["database"].append("unlocked")

    @contextmanager
    def harming(self, requests: Sequence[Harm]) -> Iterator[None]:
        self.done["network"].append(f"{len(requests)} harms")
        yield
        self.done["network"].append("calm")

    def stop_vm(self) -> None:
        raise ChaosError("the VM does not stop")

    def _refused(self, *_: object) -> None:
        self.done["segments"].append("refused")
        raise DruidError("Druid is away")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(harms, "time", SimpleNamespace(sleep=lambda _: None, time=lambda: 9.0))
    return Stack()


def done(stack: Any, *planned: StackHarm) -> float:
    return inflict(StackSchedule("given", planned), Round(stack, stack, "a window", stack))


def test_seed_gives_the_same_schedules_again() -> None:
    assert drawn(7, 3) == drawn(7, 3)
    assert len({str(drawn(seed, number)) for seed in (7, 8) for number in range(50)}) == 100


def test_every_kind_of_harm_to_every_part_is_drawn() -> None:
    found = {(harm.part, harm.kind) for schedule in MANY for harm in schedule.harms}
    assert found == {(part, kind) for part, (_, kinds) in PARTS.items() for kind in kinds}


def test_schedule_harms_two_to_four_parts_once_within_its_first_ten_seconds() -> None:
    for schedule in MANY:
        parts = [harm.part for harm in schedule.harms]
        assert len(set(parts)) == len(parts)
        assert all(0 <= harm.at <= 10 for harm in schedule.harms)
    assert {len(schedule.harms) for schedule in MANY} == {2, 3, 4}


def test_parts_are_stopped_for_two_to_fifteen_seconds() -> None:
    seconds = [h.seconds for schedule in MANY for h in schedule.harms if h.kind == "stop"]
    assert 2 <= min(seconds) < 3
    assert 14 < max(seconds) <= 15


def test_harms_overlap(stack: Stack) -> None:
    stack.together = threading.Barrier(2)
    done(stack, StackHarm("stop", "kafka", 0, 5), StackHarm("stop", "indexer", 2, 5))
    assert stack.done == {"kafka": ["stopped", "resumed"], "indexer": ["stopped", "resumed"]}


def test_producer_and_tasks_are_harmed_like_other_processes(stack: Stack) -> None:
    done(stack, StackHarm("kill", "producer", 0), StackHarm("stop", "tasks", 1, 2))
    assert stack.done == {"producer": ["killed"], "tasks": ["stopped", "resumed"]}


def test_clock_is_set_for_some_seconds_in_which_nothing_else_ends_that_process(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def with_clock(_: object, name: str, step: float) -> Iterator[None]:
        stack.done[name].append(f"{step:+g} s")
        yield

    monkeypatch.setattr(harms, "with_clock", with_clock)
    done(stack, StackHarm("backward", "kafka-clock", 0, 20))
    assert stack.done == {"kafka": ["-7200 s"]}
    for schedule in MANY:
        parts = {harm.part for harm in schedule.harms}
        clocks = {part.removesuffix("-clock") for part in parts if part.endswith("-clock")}
        assert not clocks & parts
        assert not (clocks and "vm" in parts)


def test_requests_are_harmed_by_a_proxy_before_kafka(stack: Stack) -> None:
    requests = (Harm("lose-answer", Api.END_TXN, 3, 0.1), Harm("reset", Api.PRODUCE, 1, 0))
    harm = StackHarm("harm", "network", 2, 5, requests)
    done(stack, harm)
    assert stack.done == {"network": ["2 harms", "calm"]}
    scenario = StackSchedule("given", (harm,)).scenario()
    assert scenario.behind_proxy
    assert scenario.text == (
        "harm network at 2 s for 5 s (lose-answer of END_TXN 3, reset of PRODUCE 1)"
    )
    assert not StackSchedule("given", (StackHarm("kill", "kafka", 1),)).scenario().behind_proxy


def test_disk_that_is_filled_up_is_a_small_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def filled(disk: Path) -> Iterator[None]:
        stack.done["deep-storage"].append(str(disk))
        yield

    monkeypatch.setattr(harms, "filled", filled)
    harm = StackHarm("fill", "deep-storage", 0, 5)
    done(stack, harm)
    assert stack.done == {"deep-storage": ["/stack/druid/segments"]}
    assert StackSchedule("given", (harm,)).scenario().disks == (Path("druid/segments"),)


def test_recovery_begins_when_the_last_harm_has_ended(stack: Stack) -> None:
    assert done(stack, StackHarm("lock", "database", 0, 5)) == 9.0
    assert stack.done == {"database": ["locked", "unlocked"]}


def test_failed_harm_is_reported_after_the_others_have_ended(stack: Stack) -> None:
    with pytest.raises(ChaosError, match="the VM does not stop"):
        done(stack, StackHarm("turn-off", "vm", 0), StackHarm("stop", "kafka", 1, 2))
    assert stack.done == {"kafka": ["stopped", "resumed"]}


def test_harm_that_another_one_prevents_is_no_failure(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def away(_: object) -> Iterator[None]:
        raise CalledProcessError(1, "LockTables", None, "Connection refused")
        yield

    @contextmanager
    def busy() -> Iterator[None]:
        raise OperationalError("BEGIN EXCLUSIVE", None, Exception("database is locked"))
        yield

    monkeypatch.setattr(stack, "database_locked", busy)
    monkeypatch.setattr(harms, "metadata_locked", away)
    done(
        stack,
        StackHarm("hand-off", "segments", 0),
        StackHarm("lock", "database", 1, 5),
        StackHarm("lock", "metadata-store", 1, 5),
    )
    assert stack.done == {"segments": ["refused"]}


def test_text_of_a_scenario_names_the_harms_in_their_order() -> None:
    later, earlier = StackHarm("kill", "kafka", 8.5), StackHarm("stop", "broker", 0.5, 3)
    scenario = StackSchedule("given", (later, earlier)).scenario()
    assert scenario.text == "stop broker at 0.5 s for 3 s, kill kafka at 8.5 s"
    assert scenario.measured == "both"
