"""The hooks before a commit: they run the project's own tools, and nothing is downloaded."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
from typing import Any

import pytest
import yaml

from commands.test.runner import LINT
from commands.test.suites import SELECTIONS, SUITES
from include.stack.settings import ROOT

CONFIGURATION = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
HOOKS: list[dict[str, Any]] = [hook for it in CONFIGURATION["repos"] for hook in it["hooks"]]
PYTHON = [".venv/bin/python", "-m"]

of_each = pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])


def test_every_hook_is_local_and_has_a_name_of_its_own() -> None:
    assert [repository["repo"] for repository in CONFIGURATION["repos"]] == ["local"]
    assert len({hook["id"] for hook in HOOKS}) == len(HOOKS)


@of_each
def test_the_command_of_a_hook_exists(hook: dict[str, Any]) -> None:
    command = shlex.split(hook["entry"])
    assert hook["language"] == "system"
    assert hook["pass_filenames"] is False
    if command[:2] == PYTHON:
        assert importlib.util.find_spec(command[2]), command
    else:
        assert command[:2] == ["./ventas", "test"]
        assert os.access(ROOT / "ventas", os.X_OK)
        assert {*command[2:]} <= {*SELECTIONS, *SUITES}


@of_each
def test_the_files_that_trigger_a_hook_exist(hook: dict[str, Any]) -> None:
    if "files" in hook:
        [folders] = re.fullmatch(r"\^\(([\w/|]+)\)/", hook["files"]).groups()  # type: ignore[union-attr]
        assert all((ROOT / folder).is_dir() for folder in folders.split("|"))
    else:
        assert "python" in hook["types_or"]


def test_the_hooks_check_style_types_and_dags_as_the_tests_do() -> None:
    entries = [shlex.split(hook["entry"]) for hook in HOOKS]
    assert entries == [
        *([*PYTHON, *command] for command in LINT),
        [*PYTHON, "mypy"],
        ["./ventas", "test", "dags"],
    ]
