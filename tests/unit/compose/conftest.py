from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def compose_file() -> Path:
    return ROOT / "docker-compose.yaml"


@pytest.fixture(scope="session")
def compose(compose_file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(compose_file.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found
