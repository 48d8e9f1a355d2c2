"""A clock for code that waits: its time passes only when the code sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

import include.waiting
from ventas_airflow.operators import compute, supervisor, waiting, watch
from ventas_airflow.triggers import druid_health
from ventas_airflow.triggers import waiting as triggers

WAITING = (include.waiting, compute, supervisor, waiting, watch, druid_health, triggers)


class Clock:
    """A clock that advances only by the sleeps of operators and triggers."""

    def __init__(self) -> None:
        self.now = self.began = time.time()
        self._due: list[tuple[float, Callable[[], None]]] = []

    @property
    def passed(self) -> float:
        return self.now - self.began

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` in the first sleep that ends at least `seconds` from now."""
        self._due.append((self.now + seconds, action))

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [action for moment, action in self._due if moment <= self.now]
        self._due = [(moment, action) for moment, action in self._due if moment > self.now]
        for action in due:
            action()
        # A real pause lets the threads of servers and of the test run.
        time.sleep(0.005)

    async def sleep_in_trigger(self, seconds: float) -> None:
        await asyncio.to_thread(self.sleep, seconds)


def install(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all waiting operators and triggers use this clock."""
    own = SimpleNamespace(time=clock.time, monotonic=clock.time, sleep=clock.sleep)
    for module in WAITING:
        monkeypatch.setattr(module, "time", own)
    monkeypatch.setattr(triggers, "asyncio", SimpleNamespace(sleep=clock.sleep_in_trigger))
