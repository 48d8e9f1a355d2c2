"""The files as `docker compose` itself parses them, if it is installed; no engine is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.unit.compose.projects import BASE, PROJECTS, ROOT, project

SECRETS = re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def tool() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            said = subprocess.run(
                [*command, "version"], capture_output=True, text=True, check=False
            )
            if "Docker Compose version" in said.stdout:
                return command
    pytest.skip("neither `docker compose` nor `docker-compose` 2 is installed")


def config(
    tool: list[str], overrides: tuple[str, ...], values: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    files = [argument for name in (BASE, *overrides) for argument in ("--file", name)]
    return subprocess.run(
        # Do not read the developer's own `.env`.
        [*tool, "--env-file", os.devnull, *files, "config", *options],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **values},
        capture_output=True,
        text=True,
        check=False,
    )


def variables(service: dict[str, Any]) -> dict[str, str]:
    """Return a service's environment; after a merge, the tool gives a list of NAME=value."""
    given = service.get("environment", {})
    return dict(line.split("=", 1) for line in given) if isinstance(given, list) else given


@pytest.mark.parametrize("overrides", PROJECTS)
def test_docker_compose_merges_the_files_as_these_tests_do(
    tool: list[str], overrides: tuple[str, ...]
) -> None:
    done = config(tool, overrides, {}, "--no-interpolate", "--format", "json")
    assert done.returncode == 0, done.stderr
    theirs: dict[str, Any] = json.loads(done.stdout)["services"]
    ours = project(*overrides)["services"]
    assert set(theirs) == set(ours)
    for name, service in ours.items():
        assert variables(theirs[name]) == variables(service), name
        for key in ("command", "healthcheck", "image", "mem_limit", "tmpfs"):
            assert theirs[name].get(key) == service.get(key), (name, key)


@pytest.mark.parametrize("overrides", PROJECTS)
def test_docker_compose_accepts_the_files_with_every_secret(
    tool: list[str], overrides: tuple[str, ...]
) -> None:
    done = config(tool, overrides, dict.fromkeys(SECRETS, "some"), "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_docker_compose_names_a_missing_secret(tool: list[str]) -> None:
    done = config(tool, (), dict.fromkeys(SECRETS, "some") | {"POSTGRES_PASSWORD": ""}, "--quiet")
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD is missing a value: set it in .env" in done.stderr
