from __future__ import annotations

from typing import Any

import pytest

from tests.unit.compose.projects import BASE, read


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    return read(BASE)


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found
