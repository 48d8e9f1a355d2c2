"""Fixture of the tests that change a copy of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.changes.change import Change


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[str], Change]]:
    """Return a function that begins a change, named by its row of CONTRIBUTING.md's table."""
    begun: list[Change] = []

    def start(name: str) -> Change:
        begun.append(Change(name, tmp_path / f"copy{len(begun)}"))
        return begun[-1]

    yield start
    for change in begun:
        change.check_files()
