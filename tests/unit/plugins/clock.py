"""The time of what waits: it passes by looks, however long they take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ventas_airflow.operators import compute, waiting, watch
from ventas_airflow.triggers import waiting as triggers


class Clock:
    """Stands still but for what triggers and operators sleep."""

    def __init__(self) -> None:
        self.now = self.began = time.time()
        self._due: list[tuple[float, Callable[[], None]]] = []

    @property
    def passed(self) -> float:
        return self.now - self.began

    def time(self) -> float:
        return self.now

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in the first sleep that ends so much later."""
        self._due.append((self.now + seconds, action))

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [action for moment, action in self._due if moment <= self.now]
        self._due = [(moment, action) for moment, action in self._due if moment > self.now]
        for action in due:
            await asyncio.to_thread(action)
        # Threads of the emulator and of the test get their turn.
        await asyncio.sleep(0.005)


def install(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the operators and triggers that wait go by this clock."""
    for module in (compute, waiting, watch, triggers):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=clock.time))
    monkeypatch.setattr(triggers, "asyncio", SimpleNamespace(sleep=clock.sleep))
