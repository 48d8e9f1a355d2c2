"""One answer for all who ask the same at once, so that fifty viewers cost Druid what one does."""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

from ventas_airflow.page.services import in_thread

MOST: Final = 500
"""Answers that are kept; the oldest go first."""

TROUBLE_SECONDS: Final = 1.0
"""How long a failure is everyone's answer: a Druid in trouble is not asked by each viewer."""


class _Kept(NamedTuple):
    until: float
    answer: "asyncio.Future[Any]"


class Shared:
    """Answers by key, each kept for its time; those who come while it is made wait for the same.

    It lives in one process's event loop: more API workers ask Druid once each.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Any]) -> Any:
        """The answer of `make`, which blocks and runs in a thread; raises what it raised.

        It is kept for `seconds` from when it is there.
        """
        kept = self._kept.get(key)
        if kept and (not kept.answer.done() or self._clock() < kept.until):
            return await asyncio.shield(kept.answer)
        answer: asyncio.Future[Any] = asyncio.ensure_future(in_thread(make))
        self._kept.pop(key, None)
        self._kept[key] = _Kept(0.0, answer)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

        def note(done: "asyncio.Future[Any]") -> None:
            if done.cancelled():
                return
            seconds_kept = TROUBLE_SECONDS if done.exception() else seconds
            if key in self._kept and self._kept[key].answer is done:
                self._kept[key] = _Kept(self._clock() + seconds_kept, done)

        answer.add_done_callback(note)
        # A viewer who leaves must not take the answer from the others.
        return await asyncio.shield(answer)
