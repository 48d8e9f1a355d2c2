"""Answers that viewers with the same request share."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ventas_airflow.page import answer_cache, fair_threads
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.fair_threads import BusyError, FairThreads
from ventas_airflow.page.services import Viewer, ViewerLeftError


async def stays() -> None:
    await asyncio.Event().wait()


VIEWER = Viewer("vera", stays)


class Maker:
    """Makes an answer, and counts its calls."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.calls = 0
        self.answer = answer

    def __call__(self) -> Any:
        self.calls += 1
        return self.answer()


def test_concurrent_requests_wait_for_the_same_answer() -> None:
    go = threading.Event()
    make = Maker(lambda: go.wait(5) and "answer")

    async def scene() -> list[Any]:
        cache = AnswerCache()
        asked = [asyncio.create_task(cache.get(VIEWER, "key", 60, make)) for _ in range(50)]
        await asyncio.sleep(0.05)
        go.set()
        return await asyncio.gather(*asked)

    assert asyncio.run(scene()) == ["answer"] * 50
    assert make.calls == 1


def test_answer_is_kept_by_key_until_its_time_is_over() -> None:
    now = 100.0
    make = Maker(lambda: now)

    async def scene() -> list[Any]:
        nonlocal now
        cache = AnswerCache(clock=lambda: now)
        found = [await cache.get(VIEWER, "a", 5, make)]
        now = 104.9
        found += [await cache.get(VIEWER, "a", 5, make), await cache.get(VIEWER, "b", 5, make)]
        now = 105.1
        return [*found, await cache.get(VIEWER, "a", 5, make)]

    assert asyncio.run(scene()) == [100.0, 100.0, 104.9, 105.1]


class Slow:
    """Makes its first answer at once, and the later ones when `go` is set."""

    def __init__(self) -> None:
        self.calls = 0
        self.go = threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        if self.calls > 1:
            self.go.wait(5)
        return self.calls


def test_old_answer_is_shown_while_a_new_one_is_slow() -> None:
    now = 100.0
    make = Slow()

    async def scene() -> list[Any]:
        nonlocal now
        cache = AnswerCache(clock=lambda: now)
        found = [await cache.get(VIEWER, "a", 5, make, old=20)]
        now = 106.0
        found += [
            await cache.get(VIEWER, "a", 5, make, old=20),
            await cache.get(VIEWER, "a", 5, make, old=20),
        ]
        make.go.set()
        await asyncio.sleep(0.1)
        return [*found, await cache.get(VIEWER, "a", 5, make, old=20)]

    assert asyncio.run(scene()) == [1, 1, 1, 2]
    assert make.calls == 2


def test_too_old_answer_is_not_shown() -> None:
    now = 100.0
    make = Slow()

    async def scene() -> list[Any]:
        nonlocal now
        cache = AnswerCache(clock=lambda: now)
        found = [await cache.get(VIEWER, "a", 5, make, old=20)]
        now += 25
        asked = asyncio.create_task(cache.get(VIEWER, "a", 5, make, old=20))
        await asyncio.sleep(answer_cache.PATIENCE + 0.1)
        waits = not asked.done()
        make.go.set()
        return [*found, waits, await asked]

    assert asyncio.run(scene()) == [1, True, 2]


def test_quick_new_answer_or_error_is_preferred_to_the_old_answer() -> None:
    now = 100.0

    def quick() -> str:
        time.sleep(0.05)
        return "new"

    answers: Iterator[Callable[[], Any]] = iter([lambda: "old", quick, lambda: 1 / 0])

    async def scene() -> list[Any]:
        nonlocal now
        cache = AnswerCache(clock=lambda: now)
        found = []
        for _ in range(2):
            found.append(await cache.get(VIEWER, "a", 5, lambda: next(answers)(), old=20))
            now += 6
        with pytest.raises(ZeroDivisionError):
            await cache.get(VIEWER, "a", 5, lambda: next(answers)(), old=20)
        return found

    assert asyncio.run(scene()) == ["old", "new"]


def test_old_answer_is_not_shown_after_an_error() -> None:
    now = 100.0
    go = threading.Event()
    answers: Iterator[Callable[[], Any]] = iter(
        [lambda: "old", lambda: 1 / 0, lambda: go.wait(5) and "new"]
    )

    async def scene() -> tuple[bool, Any]:
        nonlocal now
        cache = AnswerCache(clock=lambda: now)

        def get() -> Any:
            return cache.get(VIEWER, "a", 5, lambda: next(answers)(), old=20)

        await get()
        now += 6
        with pytest.raises(ZeroDivisionError):
            await get()
        now += answer_cache.TROUBLE_SECONDS
        asked = asyncio.create_task(get())
        await asyncio.sleep(answer_cache.PATIENCE + 0.1)
        waits = not asked.done()
        go.set()
        return waits, await asked

    assert asyncio.run(scene()) == (True, "new")


def test_error_is_shared_for_a_moment_and_then_tried_again() -> None:
    now = 0.0
    make = Maker(lambda: 1 / 0)

    async def scene() -> None:
        nonlocal now
        cache = AnswerCache(clock=lambda: now)
        for moment in (0.0, answer_cache.TROUBLE_SECONDS - 0.1, answer_cache.TROUBLE_SECONDS + 0.1):
            now = moment
            with pytest.raises(ZeroDivisionError):
                await cache.get(VIEWER, "a", 60, make)

    asyncio.run(scene())
    assert make.calls == 2


def test_viewer_who_leaves_does_not_cancel_the_answer_for_others() -> None:
    go = threading.Event()
    make = Maker(lambda: go.wait(5) and "answer")

    async def scene() -> Any:
        cache = AnswerCache()
        first = asyncio.create_task(cache.get(VIEWER, "key", 60, make))
        second = asyncio.create_task(cache.get(VIEWER, "key", 60, make))
        await asyncio.sleep(0.05)
        first.cancel()
        go.set()
        return await second

    assert asyncio.run(scene()) == "answer"
    assert make.calls == 1


def test_answers_are_made_in_the_given_threads() -> None:
    async def scene() -> Any:
        cache = AnswerCache(turns=FairThreads(1, "own"))
        return await cache.get(VIEWER, "a", 60, lambda: threading.current_thread().name)

    assert asyncio.run(scene()).startswith("own")


def test_least_recently_requested_answer_is_dropped_first() -> None:
    make = Maker(lambda: None)

    async def scene() -> None:
        cache = AnswerCache(most=2)
        for key in ("a", "b", "c", "b", "c", "a"):
            await cache.get(VIEWER, key, 60, make)

    asyncio.run(scene())
    assert make.calls == 4


def test_viewer_with_too_many_requests_gets_the_old_answer_or_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fair_threads, "WAITING_OF_ONE", 1)
    now = 100.0
    go = threading.Event()

    async def scene() -> Any:
        nonlocal now
        cache = AnswerCache(clock=lambda: now, turns=FairThreads(1, "own"))
        old = await cache.get(VIEWER, "seen", 5, lambda: "old", old=60)
        now += 6
        slow = [
            asyncio.create_task(cache.get(VIEWER, key, 5, lambda: go.wait(60)))
            for key in ("runs", "waits")
        ]
        await asyncio.sleep(0)
        again = await cache.get(VIEWER, "seen", 5, lambda: "new", old=60)
        with pytest.raises(BusyError):
            await cache.get(VIEWER, "other", 5, lambda: "new")
        go.set()
        await asyncio.gather(*slow)
        return old, again, await cache.get(VIEWER, "other", 5, lambda: "new")

    assert asyncio.run(scene()) == ("old", "old", "new")


def test_refused_request_does_not_drop_another_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker(lambda: None)

    async def scene() -> None:
        cache = AnswerCache(most=2)
        for key in ("a", "b"):
            await cache.get(VIEWER, key, 60, make)
        monkeypatch.setattr(fair_threads, "WAITING_OF_ONE", 0)
        for n in range(5):
            with pytest.raises(BusyError):
                await cache.get(VIEWER, n, 60, make)
        for key in ("a", "b"):
            await cache.get(VIEWER, key, 60, make)

    asyncio.run(scene())
    assert make.calls == 2


def test_call_that_nobody_waits_for_any_more_is_not_begun() -> None:
    go = threading.Event()
    left = Maker(lambda: "left")

    async def scene() -> tuple[int, Any]:
        cache = AnswerCache(turns=FairThreads(1, "own"))
        gone = asyncio.Event()

        async def leaves() -> None:
            await gone.wait()

        first = asyncio.create_task(cache.get(VIEWER, "runs", 60, lambda: go.wait(60)))
        await asyncio.sleep(0)
        asked = [
            asyncio.create_task(cache.get(Viewer("vera", leaves), "left", 60, left))
            for _ in range(2)
        ]
        await asyncio.sleep(0)
        gone.set()
        for each in asked:
            with pytest.raises(ViewerLeftError):
                await each
        go.set()
        await first
        before = left.calls
        return before, await cache.get(VIEWER, "left", 60, left)

    assert asyncio.run(scene()) == (0, "left")
    assert left.calls == 1


def test_call_goes_on_while_one_viewer_waits_for_it() -> None:
    go = threading.Event()

    async def scene() -> Any:
        cache = AnswerCache(turns=FairThreads(1, "own"))
        gone = asyncio.Event()

        async def leaves() -> None:
            await gone.wait()

        first = asyncio.create_task(cache.get(VIEWER, "runs", 60, lambda: go.wait(60)))
        await asyncio.sleep(0)
        asked = [
            asyncio.create_task(cache.get(Viewer("vera", left), "same", 60, lambda: "answer"))
            for left in (leaves, stays)
        ]
        await asyncio.sleep(0)
        gone.set()
        with pytest.raises(ViewerLeftError):
            await asked[0]
        go.set()
        await first
        return await asked[1]

    assert asyncio.run(scene()) == "answer"
