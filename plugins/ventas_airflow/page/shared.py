"""One answer for all who ask the same at once, so that fifty viewers cost Druid what one does."""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from ventas_airflow.page.services import Viewer, ViewerLeftError, looks
from ventas_airflow.page.turns import BusyError, Turns

MOST: Final = 500
"""Answers that are kept; those that nobody asked for go first."""

TROUBLE_SECONDS: Final = 1.0
"""How long a failure is everyone's answer: a Druid in trouble is not asked by each viewer."""

PATIENCE: Final = 0.15
"""Seconds that a viewer waits for a new answer where there is an old one to show."""


@dataclass
class _Kept:
    answer: Any = None
    made_at: float = -inf
    turn: "Future[Any] | None" = None
    making: "asyncio.Future[Any] | None" = None
    """The next answer, or what went wrong with it."""
    failed_at: float = -inf
    waiting: int = 0
    """Viewers who wait for the next answer."""


class Shared:
    """Answers by key, each kept for its time; those who come while it is made wait for the same.

    Where an old answer is better than a long wait, they wait for `PATIENCE` and then get the last
    one; the new one is there for whoever asks next. So looks stay quick when there are more of them
    than Druid can answer, and grow older instead; of a calm Druid everyone gets what is new.

    It lives in one process's event loop: more API workers ask Druid once each.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        turns: Turns = looks,
        most: int = MOST,
    ) -> None:
        """Answers are made in the threads of `turns`, and at most `most` are kept."""
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
        """The answer of `make`, which blocks and runs in a thread; raises what it raised.

        It is kept for `seconds` from when it is there. For `old` seconds more it may be shown while
        a new one takes long or cannot be begun, but not after one that failed.

        Raises:
            BusyError: `viewer` asks for too much at once, and there is no answer to show.
            ViewerLeftError: `viewer` does not wait any more. An answer that nobody waits for is not
                begun.
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
                    # A look that is refused takes no other look's place.
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
            # A call that runs goes on: there is no way to end a thread.
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
