from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.stack.compute import emulator
from tests.unit.stack.compute.support import MemoryPower, serving


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let emulators look at the processes as often as while they change."""
    monkeypatch.setattr(emulator, "IDLE_INTERVAL", emulator.BUSY_INTERVAL)


@pytest.fixture
def power() -> MemoryPower:
    return MemoryPower()


@pytest.fixture
def endpoint(power: MemoryPower, tmp_path: Path) -> Iterator[str]:
    with serving(power, tmp_path / "compute.json") as address:
        yield address
