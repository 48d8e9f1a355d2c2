from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.stack.compute.support import MemoryPower, serving


@pytest.fixture
def power() -> MemoryPower:
    return MemoryPower()


@pytest.fixture
def endpoint(power: MemoryPower, tmp_path: Path) -> Iterator[str]:
    with serving(power, tmp_path / "compute.json") as address:
        yield address
