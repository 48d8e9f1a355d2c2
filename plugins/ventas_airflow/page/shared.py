"""One answer for all who ask the same at once, so that fifty viewers cost Druid what one does."""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from ventas_airflow.page.services import in_thread, waiting

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
    making: "asyncio.Future[Any] | None" = None
    """The next answer, or what went wrong with it."""
    failed_at: float = -inf


class Shared:
    """Answers by key, each kept for its time; those who come while it is made wait for the same.

    Where an old answer is better than a long wait, they wait for `PATIENCE` and then get the last
    one; the new one is there for whoever asks next. So looks stay quick when there are more of them
    than Druid can answer, and grow older instead; of a calm Druid everyone gets what is new.

    It lives in one process's event loop: more API workers ask Druid once each.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, threads: Executor = waiting
    ) -> None:
        """Answers are made in `threads`."""
        self._clock = clock
        self._threads = threads
        self._kept: dict[Hashable, _Kept] = {}

    async def get(
        self, key: Hashable, seconds: float, make: Callable[[], Any], *, old: float = 0.0
    ) -> Any:
        """The answer of `make`, which blocks and runs in a thread; raises what it raised.

        It is kept for `seconds` from when it is there. For `old` seconds more it may be shown while
        a new one takes long, but not after one that failed.
        """
        kept = self._kept.pop(key, None) or _Kept()
        self._kept[key] = kept
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        age = self._clock() - kept.made_at
        if age < seconds:
            return kept.answer
        making = kept.making
        if not making or (making.done() and self._clock() >= kept.failed_at + TROUBLE_SECONDS):
            making = self._make(kept, make)
        if age < seconds + old:
            await asyncio.wait({making}, timeout=PATIENCE)
            if not making.done():
                return kept.answer
        # A viewer who leaves must not take the answer from the others.
        return await asyncio.shield(making)

    def _make(self, kept: _Kept, make: Callable[[], Any]) -> "asyncio.Future[Any]":
        kept.making = making = asyncio.ensure_future(in_thread(make, threads=self._threads))

        def note(done: "asyncio.Future[Any]") -> None:
            if done.cancelled() or done.exception():
                kept.made_at, kept.failed_at = -inf, self._clock()
                return
            kept.answer, kept.made_at = done.result(), self._clock()
            if kept.making is done:
                kept.making = None

        making.add_done_callback(note)
        return making
