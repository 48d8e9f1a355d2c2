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

#: The image that Compose builds from DOCKERFILE, for all containers of Airflow.
BUILT = "ventas-airflow:local"
DOCKERFILE = ROOT / "deploy/image/Dockerfile"

#: Every combination of overrides that `COMPOSE_FILE` in `.env` can select.
PROJECTS = ((), (LOAD,), (SECURE,), (LOAD, SECURE))


def read(name: str) -> dict[str, Any]:
    """Return one file, parsed but not merged."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def project(*overrides: str) -> dict[str, Any]:
    """Return the base file merged with overrides; they replace commands and have no other lists."""
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
