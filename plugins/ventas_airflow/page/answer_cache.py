"""Answers shared by all viewers with the same request: fifty viewers cost Druid as much as one."""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from ventas_airflow.page.fair_threads import BusyError, FairThreads
from ventas_airflow.page.services import Viewer, ViewerLeftError, looks

MOST: Final = 500
"""Most answers that are kept; the least recently requested answer is dropped first."""

TROUBLE_SECONDS: Final = 1.0
"""Seconds that a failure is shared, so that not every viewer queries a Druid in trouble."""

PATIENCE: Final = 0.15
"""Seconds that a viewer waits for a new answer if there is an old one to show."""


@dataclass
class _Kept:
    answer: Any = None
    made_at: float = -inf
    turn: "Future[Any] | None" = None
    making: "asyncio.Future[Any] | None" = None
    """Future of the next answer, or of its error."""
    failed_at: float = -inf
    waiting: int = 0
    """Number of viewers who wait for the next answer."""


class AnswerCache:
    """Answers by key, each kept for its time; requests for an answer in the making wait for it.

    If an old answer is better than a long wait, a viewer waits for `PATIENCE` and then gets the old
    answer; the next request gets the new one. So under more requests than Druid can answer, the
    page stays quick and its figures grow older; while Druid is quick, every viewer gets a new
    answer.

    It lives in the event loop of one process: each API worker queries Druid for itself.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        turns: FairThreads = looks,
        most: int = MOST,
    ) -> None:
        """Create an empty cache: `turns` has the threads that make answers, `most` are kept."""
        self._clock = clock
        self._turns = turns
        self._most = most
        self._kept: dict[Hashable, _Kept] = {}

    async def get(
        self,
        viewer: Viewer,
        key: Hashable,
        seconds: float,
        make: Callable[[], Any],
        *,
        old: float = 0.0,
    ) -> Any:
        """Return the answer of `make`, a blocking call that runs in a thread, or raise its error.

        The answer is kept for `seconds` from the moment at which it is made. For `old` seconds more
        it may be shown while a new one takes long or cannot be begun, but not after a failure.

        Raises:
            BusyError: `viewer` has too many requests at once, and there is no answer to show.
            ViewerLeftError: `viewer` has left. A call that has not begun is cancelled if no other
                viewer waits for it.
        """
        kept = self._kept.pop(key, None) or _Kept()
        age = self._clock() - kept.made_at
        making = kept.making
        if age >= seconds and (
            not making or (making.done() and self._clock() >= kept.failed_at + TROUBLE_SECONDS)
        ):
            try:
                making = self._make(viewer, kept, make)
            except BusyError:
                if age >= seconds + old:
                    # Raised before `_keep`: a refused request must not drop another answer.
                    raise
        self._keep(key, kept)
        if age < seconds or making is None:
            return kept.answer
        kept.waiting += 1
        try:
            if age < seconds + old:
                await asyncio.wait({making}, timeout=PATIENCE)
                if not making.done():
                    return kept.answer
            return await viewer.wait(making)
        except (ViewerLeftError, asyncio.CancelledError):
            # A call that has begun goes on: a thread cannot be stopped.
            if kept.waiting == 1 and kept.making is making and kept.turn and kept.turn.cancel():
                kept.making = None
            raise
        finally:
            kept.waiting -= 1

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        self._kept[key] = kept
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def _make(self, viewer: Viewer, kept: _Kept, make: Callable[[], Any]) -> "asyncio.Future[Any]":
        kept.turn = self._turns.submit(viewer.name, make)
        kept.making = making = asyncio.wrap_future(kept.turn)

        def note(done: "asyncio.Future[Any]") -> None:
            if done.cancelled():
                return
            if done.exception():
                kept.made_at, kept.failed_at = -inf, self._clock()
                return
            kept.answer, kept.made_at = done.result(), self._clock()
            if kept.making is done:
                kept.making = None

        making.add_done_callback(note)
        return making
