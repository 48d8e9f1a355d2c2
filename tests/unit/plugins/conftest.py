from __future__ import annotations

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard

from tests.unit.plugins.clock import Clock, install


@pytest.fixture(autouse=True)
def _outside_a_task_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test execute an operator by itself."""
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that all waiting operators and triggers use in the test."""
    clock = Clock()
    install(clock, monkeypatch)
    return clock
