from __future__ import annotations

import pytest

from tests.unit.plugins.clock import Clock, install


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that all waiting operators and triggers use in the test."""
    clock = Clock()
    install(clock, monkeypatch)
    return clock
