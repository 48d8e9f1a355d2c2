"""Threads shared fairly among viewers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Any

import pytest

from ventas_airflow.page import fair_threads as module
from ventas_airflow.page.fair_threads import BusyError, FairThreads


class Held:
    """Calls that record their names when they begin, and end when `go` is set."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()

    def call(self, name: str) -> Callable[[], str]:
        def held() -> str:
            self.begun.append(name)
            self.go.wait(60)
            return name

        return held


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.go.set()


def ask(turns: FairThreads, held: Held, viewer: str, count: int) -> list[Future[Any]]:
    return [turns.submit(viewer, held.call(f"{viewer}{n}")) for n in range(count)]


def test_one_viewer_never_uses_all_threads(held: Held) -> None:
    turns = FairThreads(4, "test")
    ask(turns, held, "a", 10)
    other = turns.submit("b", lambda: "at once")
    assert other.result(60) == "at once"
    assert len(held.begun) <= 3


def test_viewers_take_turns_even_if_one_has_more_calls(held: Held) -> None:
    turns = FairThreads(1, "test")
    first = turns.submit("z", held.call("first"))
    asked = [*ask(turns, held, "a", 5), *ask(turns, held, "b", 2), *ask(turns, held, "c", 1)]
    held.go.set()
    wait([first, *asked], 60)
    assert held.begun == ["first", "a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4"]


def test_full_queue_of_one_viewer_does_not_refuse_others(held: Held) -> None:
    turns = FairThreads(1, "test")
    ask(turns, held, "a", 1 + module.WAITING_OF_ONE)
    with pytest.raises(BusyError) as refused:
        turns.submit("a", held.call("more"))
    assert "probá de nuevo" in str(refused.value)
    assert "try again" in refused.value.text("en")
    ask(turns, held, "b", 1)


def test_full_queue_of_all_viewers_refuses_calls(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    turns = FairThreads(1, "test")
    for viewer in "abcd":
        ask(turns, held, viewer, 1)
    with pytest.raises(BusyError):
        turns.submit("e", held.call("more"))


def test_cancelled_waiting_call_is_not_made_and_frees_its_place(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_OF_ONE", 2)
    turns = FairThreads(1, "test")
    first, second, third = ask(turns, held, "a", 3)
    assert not first.cancel()
    assert second.cancel()
    last = turns.submit("a", held.call("last"))
    held.go.set()
    wait([first, third, last], 60)
    assert held.begun == ["a0", "a2", "last"]


def test_waiting_calls_are_those_not_begun_and_not_cancelled(held: Held) -> None:
    turns = FairThreads(1, "test")
    turns.submit("a", held.call("first"))
    calls = [held.call(name) for name in "abc"]
    left = [turns.submit(viewer, call) for viewer, call in zip("aab", calls, strict=True)]
    left[0].cancel()
    assert turns.waiting() == calls[1:]


def test_threads_are_busy_while_a_call_runs(held: Held) -> None:
    turns = FairThreads(1, "test")
    assert not turns.is_busy()
    asked = ask(turns, held, "a", 2)
    assert turns.is_busy()
    held.go.set()
    wait(asked, 60)
    assert not turns.is_busy()


def test_error_is_raised_from_the_future_and_frees_the_thread() -> None:
    turns = FairThreads(1, "test")
    with pytest.raises(ZeroDivisionError):
        turns.submit("a", lambda: 1 / 0).result(60)
    assert turns.submit("a", lambda: "next").result(60) == "next"
