"""Every command of the docs is run by a test, or its block is marked with what it needs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from include.stack.settings import ROOT
from tests.support.pages import Fence, Page, pages

#: Marks of blocks whose commands cannot run here, in an HTML comment right above the block.
MARKS = {"needs an account", "needs Docker", "needs a collector", "needs a package index"}

#: Commands that another test runs: its file, and a text that the file has as long as it does so.
RUN_ELSEWHERE = {
    r"git clone <URL> ventas && cd ventas": ("tests/proof/clones.py", '"git", "clone"'),
    r"\./ventas demo": ("tests/e2e/test_demo.py", 'ventas(stack, "demo"'),
    r"\./ventas logs \w+( --no-follow)?": (
        "tests/e2e/test_demo.py",
        'ventas(stack, "logs", "scheduler"',
    ),
    r"\./ventas up": ("tests/conftest.py", "embedded.up(settings"),
    r"\./ventas test.*": (".ci/run", "./ventas test"),
    r"\./ventas bench --quick": ("tests/soak/test_bench_parts.py", "def test_"),
    r"\./ventas bench page": ("tests/unit/commands/bench/test_page.py", "def test_"),
    r"\./ventas cloud .*": ("tests/cloud/test_deploy_page.py", "cloud doctor"),
    r"\./ventas chaos.*": ("tests/chaos/test_chaos.py", "run_scenario("),
    r"\./ventas soak --hours .*": ("tests/soak/test_soak_parts.py", "from commands.soak"),
    r"VENTAS_SECURE=1 \./ventas up": ("tests/secure/conftest.py", "assert stack.secure"),
    r"\./make-env\.sh": ("tests/unit/compose/test_make_env.py", '"make-env.sh"'),
    r"\./ventas cloud (plan|doctor|up|down)( .*)?": (
        "tests/unit/commands/test_cloud.py",
        'cli.main(["cloud", "plan"',
    ),
    r"\./ventas score( .*)?": ("tests/unit/commands/score/test_score.py", 'main(["score"'),
    r"\./ventas plots": ("tests/unit/commands/plots/test_figures.py", 'main(["plots"'),
    r"\./ventas docs": ("tests/unit/commands/test_docs.py", 'main(["docs"'),
}

#: Commands that this test runs, each with a new state folder.
RUN_HERE = (
    r"\./ventas( \w+)? --help",
    r"\./ventas status( --json)?",
    r"\./ventas (down|clean|market check)",
    r"\./ventas size( .*)?",
)


class Command(NamedTuple):
    """A command of the docs, its place, and the mark of its block."""

    place: str
    text: str
    mark: str


def commands_of(page: Page) -> list[Command]:
    """Return the commands of `sh` and `bash` blocks, and lines of others that begin with `$ `."""
    found = []
    for block in page.items:
        if isinstance(block, Fence):
            shell = block.language in ("sh", "bash")
            for line, text in _lines(block, shell=shell):
                found.append(Command(f"{page.name}:{line}", text, block.mark))
    return found


def _lines(block: Fence, *, shell: bool) -> Iterator[tuple[int, str]]:
    """Yield commands without comments and heredoc texts; a continued command is one line."""
    continued, until = "", ""
    for line, written in enumerate(block.text.splitlines(), block.line + 1):
        if until:
            until = "" if written.strip() == until else until
            continue
        if not shell and not written.startswith("$ "):
            continue
        text = continued + re.sub(r"(^|\s)#.*", "", written.removeprefix("$ ")).strip()
        if text.endswith("\\"):
            continued = text[:-1].strip() + " "
            continue
        continued = ""
        if heredoc := re.search(r"<<-?\s*'?(\w+)'?", text):
            until = heredoc[1]
        # `[--json]` is an option that may be left out.
        if text := re.sub(r"\s*\[-.*?\]", "", text).strip():
            yield line, text


COMMANDS = [command for page in pages() for command in commands_of(page)]
HERE = sorted({c.text for c in COMMANDS if any(re.fullmatch(it, c.text) for it in RUN_HERE)})


def unexplained(commands: list[Command]) -> list[str]:
    known = (*RUN_ELSEWHERE, *RUN_HERE)
    return [
        f"{command.place}: no test runs `{command.text}`, and its block is not marked"
        for command in commands
        if command.mark not in MARKS and not any(re.fullmatch(it, command.text) for it in known)
    ]


def test_every_command_of_the_docs_is_run_by_a_test_or_marked() -> None:
    assert len(COMMANDS) > 10
    assert not (told := unexplained(COMMANDS)), "\n".join(told)


@pytest.mark.parametrize("pattern", RUN_ELSEWHERE)
def test_file_listed_for_a_command_still_runs_it(pattern: str) -> None:
    file, text = RUN_ELSEWHERE[pattern]
    assert text in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", HERE)
def test_cheap_command_of_the_docs_succeeds(command: str, tmp_path: Path) -> None:
    arguments = shlex.split(command)
    assert arguments[0] == "./ventas"
    done = subprocess.run(
        # The program that `./ventas` runs when its environment is ready.
        [sys.executable, "-m", "commands.cli", *arguments[1:]],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
            "VENTAS_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_mark_of_a_block_is_a_known_one(page: Page) -> None:
    marks = {item.mark for item in page.items if isinstance(item, Fence) and item.mark}
    assert marks <= MARKS


def test_commands_are_extracted_from_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\n./ventas status [--json]   # see\n# a remark\ncat <<END\nrm x\nEND\na \\\n  -b\n"
        "```\n\n<!-- needs Docker -->\n```sh\ndocker compose up\n```\n\n```text\n$ ls\nfile\n```\n"
    )
    assert commands_of(Page(page)) == [
        Command("page.md:2", "./ventas status", ""),
        Command("page.md:4", "cat <<END", ""),
        Command("page.md:8", "a -b", ""),
        Command("page.md:13", "docker compose up", "needs Docker"),
        Command("page.md:17", "ls", ""),
    ]


def test_command_that_no_test_runs_is_reported_with_its_place() -> None:
    assert unexplained(
        [Command("a.md:1", "rm -r x", ""), Command("a.md:2", "x", "needs Docker")]
    ) == ["a.md:1: no test runs `rm -r x`, and its block is not marked"]
