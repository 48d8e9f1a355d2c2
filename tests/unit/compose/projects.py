"""The compose file and its overrides, merged as `docker compose` merges them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
BASE = "docker-compose.yaml"
LOAD = "docker-compose.load.yaml"
SECURE = "docker-compose.secure.yaml"
FILES = (BASE, LOAD, SECURE)

#: Every combination that a line in `.env` can ask for.
PROJECTS = ((), (LOAD,), (SECURE,), (LOAD, SECURE))


def read(name: str) -> dict[str, Any]:
    """One file as it is written."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def project(*overrides: str) -> dict[str, Any]:
    """The base file with overrides; a command is replaced, and they have no other lists."""
    merged = read(BASE)
    for name in overrides:
        merged = _merge(merged, read(name))
    return merged


def _merge(base: Any, override: Any) -> Any:
    if isinstance(base, dict) and isinstance(override, dict):
        return base | {
            key: _merge(base[key], value) if key in base and key != "command" else value
            for key, value in override.items()
        }
    assert not isinstance(override, list), "docker compose appends some lists and replaces others"
    return override
