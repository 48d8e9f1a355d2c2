"""The commands of docs/deploy.md, run against the stand-ins of Google and Confluent.

Each numbered section runs in a new shell, in a copy of the project. `REPLACED` names the programs
that cannot run here, and why.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from commands.cloud import command
from include.cloud import deployment
from include.stack.settings import ROOT
from tests.support.cloud.confluent import API_KEY, API_SECRET, Confluent, confluent_cloud
from tests.support.cloud.google import Google, google_cloud
from tests.support.pages import Fence, Heading, Page, pages
from tests.unit.deploy.test_install import Machine

PAGE = Page(ROOT / "docs/deploy.md")

#: Programs of the page that the test replaces, and why they cannot run.
REPLACED = {
    "gcloud": "it logs in at Google, and reaches a VM through Google's proxy: fake_gcloud.py",
    "./ventas": "it would make an environment of Python in the copy: here it has the tests'",
    "vi": "a person types Confluent's key",
    "sudo": "the test is one user",
    "ventas-airflow": "an Airflow with a database: tests/dags loads the DAGs",
    "apt-get": "and all that installs: tests/unit/deploy/test_install.py has the others",
}

#: For each command, by its beginning: its exit status, and what its output shows.
PROOFS = {
    r".* cloud plan ": (0, r"missing +network ventas"),
    r".* cloud up": (0, r"Everything exists"),
    r".*install.sh": (0, r"Airflow runs"),
    r".*trigger sales_window": (0, r"(?s)dags unpause sales_window\n.*dags trigger sales_window"),
}


class Done(NamedTuple):
    """A command that was run, with its exit status and its output."""

    command: str
    status: int
    output: str


def sections() -> dict[str, list[str]]:
    """Return the commands of each numbered section."""
    found: dict[str, list[str]] = {}
    section = ""
    for item in PAGE.items:
        if isinstance(item, Heading) and item.level == 2:
            section = item.text
        elif isinstance(item, Fence) and item.language == "sh" and re.match(r"\d", section):
            found.setdefault(section, []).extend(item.text.splitlines())
    return found


class Desk:
    """A copy of the project on a machine with nothing but the page's programs."""

    def __init__(self, folder: Path, google: Google, confluent: Confluent) -> None:
        self.google, self.confluent = google, confluent
        self.project = folder / "project"
        for part in ("commands", "dags", "deploy", "include", "plugins", "terraform", "texts"):
            ignored = shutil.ignore_patterns(
                "__pycache__", ".terraform*", "*.tfstate*", "*.tfvars*"
            )
            shutil.copytree(ROOT / part, self.project / part, ignore=ignored)
        self.vm = Machine(folder / "vm")
        programs = folder / "bin"
        programs.mkdir()
        key = (
            f"export CONFLUENT_CLOUD_API_KEY={API_KEY}\n"
            f"export CONFLUENT_CLOUD_API_SECRET={API_SECRET}\n"
        )
        python = f"exec {shlex.quote(sys.executable)}"
        fake_gcloud = shlex.quote(str(Path(__file__).with_name("fake_gcloud.py")))
        for file, text in {
            self.project / "ventas": f'{python} -m commands.cli "$@"',
            programs / "gcloud": f'{python} {fake_gcloud} "$@"',
            programs / "editor": f"cat >$1 <<END\n{key}END",
            self.vm.fakes / "sudo": 'exec "$@"',
            self.vm.fakes / "ventas-airflow": 'echo "$*"',
        }.items():
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        self._environment = {
            **self.vm.environment,
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(folder),
            "EDITOR": "editor",
            "VENTAS_LANGUAGE": "en",
            "PYTHONPATH": f"{self.project}:{self.project / 'plugins'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "200",
            "VENTAS_GOOGLE_ENDPOINT": google.endpoint,
            "VENTAS_CONFLUENT_ENDPOINT": confluent.endpoint,
            "GCLOUD_SETTINGS": str(folder / "gcloud.json"),
            "AIRFLOW_VM": str(folder / "vm"),
            "FAKES": str(self.vm.fakes),
        }
        del self._environment["DESTDIR"]

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start a script in a new shell."""
        return subprocess.Popen(
            ["sh", "-c", script],
            cwd=self.project,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, commands: list[str]) -> list[Done]:
        """Run commands in one new shell."""
        script = "".join(f"{command}\necho @@ $?\n" for command in commands)
        process = self.start(script)
        try:
            output, _ = process.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            pytest.fail(f"too slow: {process.communicate()[0]}")
        parts = re.findall(r"(.*?)@@ (\d+)\n", output, re.DOTALL)
        assert len(parts) == len(commands), output
        return [
            Done(command, int(status), said)
            for command, (said, status) in zip(commands, parts, strict=True)
        ]

    def kill_after(self, command: str, requests: int) -> None:
        """Start a command, and kill it once the clouds got so many more requests."""
        until = self.requests + requests
        process = self.start(command)
        deadline = time.monotonic() + 120
        while self.requests < until:
            assert process.poll() is None, f"it ended after {self.requests} requests"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, 9)
        process.communicate()

    @property
    def requests(self) -> int:
        """Number of the requests that the clouds got."""
        return len(self.google.requests) + len(self.confluent.requests)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as clouds:
        google = clouds.enter_context(google_cloud())
        yield Desk(tmp_path, google, clouds.enter_context(confluent_cloud()))


def errors(doctor: Done) -> list[str]:
    return [line for line in doctor.output.splitlines() if line.startswith("error")]


def test_page_has_at_most_15_commands_and_a_proof_in_each_section() -> None:
    assert 10 <= sum(map(len, sections().values())) <= 15
    text = PAGE.text.split("\n## ")
    for section in sections():
        assert any(it.startswith(section) and "**Proof**" in it for it in text), section


def test_page_needs_no_variable_of_another_section() -> None:
    for section, commands in sections().items():
        # `$(…)` and `${EDITOR:-vi}` need nothing.
        used = re.findall(r"\$\{?(\w+)(?!:-|\w)", " ".join(commands))
        assert not used, section


def test_commands_of_the_page_lead_from_nothing_to_a_window(desk: Desk) -> None:
    doctors = []
    for section, commands in sections().items():
        for done in desk.run(commands):
            if done.command.endswith("cloud doctor"):
                doctors.append(done)
                continue
            proofs = [it for pattern, it in PROOFS.items() if re.match(pattern, done.command)]
            status, shown = proofs[0] if proofs else (0, "")
            assert (done.status, section) == (status, section), done.output
            assert re.search(shown, done.output), done.output

    before, after = doctors
    # Before `up`, nothing is in the way but what `up` makes.
    assert before.status == 1
    others = [it for it in errors(before) if not it.endswith("run `./ventas cloud up`.")]
    assert not others, before.output
    ready = ("login at Google", "billing", "your permissions", "machine type in the zone")
    for name in (*ready, "quota of disk", "login at Confluent"):
        assert re.search(rf"^ok +{name}", before.output, re.MULTILINE), before.output
    assert (after.status, errors(after)) == (0, [])
    assert "No errors" in after.output

    settings = json.loads((desk.project / "terraform/terraform.tfvars.json").read_text())
    assert settings["project"] == "my-project"
    assert (desk.project / "confluent.env").stat().st_mode & 0o077 == 0
    assert "my-project" in desk.vm.settings()["AIRFLOW__SECRETS__BACKEND_KWARGS"]
    written = [path for path in desk.project.rglob("*") if path.is_file()]
    # Not the package google-cloud-secret-manager.
    secret = re.compile(rb"(?<![\w-])" + API_SECRET.encode() + rb"(?![\w-])")
    holding = {path.name for path in written if secret.search(path.read_bytes())}
    assert holding == {"confluent.env"}


def test_commands_that_are_killed_complete_when_they_are_repeated(desk: Desk) -> None:
    pages = sections()
    login, plan, make = list(pages)[:3]
    desk.run(pages[login])
    desk.kill_after(pages[plan][0], 3)
    desk.run(pages[plan])
    up = pages[make][0]
    for requests in (4, 25, 60):
        desk.kill_after(up, requests)
    desk.run([up])
    desk.kill_after(pages[make][1], 40)
    made, doctor = desk.run(pages[make])
    assert "Everything exists" in made.output
    assert errors(doctor) == [], doctor.output
    # Another run makes nothing, and says only that everything exists.
    (again,) = desk.run([up])
    assert again.output.strip() == made.output.strip().splitlines()[-1]

    down = ". ./confluent.env && ./ventas cloud down --delete-data --yes-delete my-project"
    desk.kill_after(down, 20)
    (gone,) = desk.run([down])
    assert gone.status == 0, gone.output


def test_programs_that_cannot_run_are_named_with_a_reason() -> None:
    commands = " ".join(command for found in sections().values() for command in found)
    assert not [name for name in REPLACED if name not in commands and name != "apt-get"]


def blocks(heading: str) -> list[list[str]]:
    """Return the commands of each block below a heading of docs/operating-cloud.md."""
    found: list[list[str]] = []
    section = ""
    for item in Page(ROOT / "docs/operating-cloud.md").items:
        if isinstance(item, Heading):
            section = item.text
        elif isinstance(item, Fence) and section == heading:
            text = re.sub(r"\b(OLD_)?URL\b", "https://example.com/druid.tar.gz", item.text)
            text = re.sub(r"\b(OLD_)?SHA256\b", "a" * 64, text)
            found.append(
                text.replace("--snapshot NAME", "--snapshot ventas-before-34").splitlines()
            )
    return found


def test_commands_of_operating_snapshots_upgrade_go_back_and_remove_everything(desk: Desk) -> None:
    login, plan, make = list(sections().values())[:3]
    create_vm = f"{plan[0]} --set create_vm=true"
    scheduled, restored = blocks("Snapshots of the data disk")[1:]
    taken, upgraded, rolled_back = blocks("Upgrades and rollback")
    stopped, deleted = blocks("Stopping everything, and what it costs then")
    for commands in (
        [*login, create_vm, make[0]],
        *blocks("A Schema Registry"),
        *(scheduled, taken, upgraded, rolled_back, restored),
        blocks("A budget with an alert")[0],
        # The first command deletes Druid's VM, which the restoration did.
        *(stopped[1:], deleted),
    ):
        for done in desk.run(commands):
            assert done.status == 0, (done.command, done.output)
    left = [key for key in desk.google.resources if "/instances/" in key or "/disks/" in key]
    assert left == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_cloud_command_of_the_docs_is_accepted_with_its_settings(page: Page) -> None:
    for item in page.items:
        if not isinstance(item, Fence):
            continue
        for found in re.finditer(r"\./ventas cloud ([^\n]*)", item.text):
            parser = argparse.ArgumentParser()
            command.add_options(parser)
            options = parser.parse_args(shlex.split(found[1], comments=True))
            settings = deployment.parse(getattr(options, "set", []))
            assert settings.keys() <= deployment.variables(), found[0]
