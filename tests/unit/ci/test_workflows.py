"""The CI workflows: they run existing scripts, pin their actions, and have few permissions."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.test.suites import SELECTIONS, SUITES
from include.stack.settings import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir())


def workflow(file: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in FILES:
        for name, job in workflow(file)["jobs"].items():
            yield f"{file.name}: {name}", job


def steps(key: str) -> list[str]:
    """Return the values of a key in the steps of all workflows."""
    return [str(step[key]) for _, job in jobs() for step in job["steps"] if key in step]


def test_nightly_workflow_runs_all_suites_and_the_audit_and_keeps_the_sbom() -> None:
    nightly = workflow(ROOT / ".github/workflows/nightly.yaml")
    # In YAML 1.1, the key `on` is a boolean.
    assert nightly[True]["schedule"]
    said = {job: [s.get("run") for s in body["steps"]] for job, body in nightly["jobs"].items()}
    assert ".ci/run full" in said["tests"]
    assert ".ci/audit" in said["dependencies"]
    kept = [s for s in nightly["jobs"]["dependencies"]["steps"] if "upload" in s.get("uses", "")]
    assert [(step["with"]["path"], step["if"]) for step in kept] == [("sbom.json", "always()")]


def test_every_push_and_pull_request_runs_the_dag_tests_and_quick() -> None:
    push = workflow(ROOT / ".github/workflows/push.yaml")
    # Without a filter of branches or paths; YAML 1.1 takes the key `on` for a boolean.
    assert push[True] == {"push": None, "pull_request": None}
    ran = {
        job: [s["run"] for s in body["steps"] if "run" in s] for job, body in push["jobs"].items()
    }
    assert ran == {"dags": ["./ventas test dags"], "quick": ["./ventas test quick"]}
    assert {"lint", "types", "unit", "dags"} <= {*SELECTIONS["quick"]}


def test_all_workflows_use_the_same_container_and_versions_of_actions() -> None:
    images = {job["container"]["image"] for _, job in jobs() if "container" in job}
    assert len(images) == 1
    actions = {*steps("uses")}
    assert len(actions) == len({action.partition("@")[0] for action in actions})


def test_workflows_run_only_scripts_of_the_project() -> None:
    commands = [line for text in steps("run") for line in text.splitlines()]
    assert commands
    for command in commands:
        script, *_ = shlex.split(command)
        assert not re.search(r"[;&|$`<>]", command), command
        assert os.access(ROOT / script, os.X_OK), command
        assert (ROOT / script).resolve().is_relative_to(ROOT)


def test_every_suite_named_in_ci_scripts_exists() -> None:
    text = "\n".join([*map(Path.read_text, SCRIPTS), *steps("run")])
    asked = re.findall(r"\./ventas test\b([a-z ]*)", text)
    assert "" in asked, "the README's command"
    names = " ".join(asked).split()
    assert "full" in names
    assert {*names} <= {*SELECTIONS, *SUITES}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_ci_script_is_valid_shell(script: Path) -> None:
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_actions_are_pinned_by_commit_with_a_version_comment() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in FILES)
    written = re.findall(r"uses: (.+)$", text, re.M)
    assert len(written) == len(steps("uses"))
    for action in written:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_workflows_have_only_read_permission_and_keep_no_credentials() -> None:
    for file in FILES:
        assert workflow(file)["permissions"] == {"contents": "read"}, file.name
    for name, job in jobs():
        assert "permissions" not in job, name
        assert job["timeout-minutes"] <= 180, name
        checkouts = [s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout@")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False], name
    # Otherwise anybody's pull request could run with the project's rights, or inject commands.
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        assert "${{" not in text
