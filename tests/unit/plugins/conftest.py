from __future__ import annotations

import pytest

from tests.unit.plugins.clock import Clock, install


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which every wait of an operator or a trigger goes."""
    clock = Clock()
    install(clock, monkeypatch)
    return clock
