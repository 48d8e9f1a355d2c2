"""Perform a change of CONTRIBUTING.md's table on a copy of the project, as a person would."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from include.stack.settings import ROOT

#: The parts of the project that the copy has.
PARTS = ("commands", "dags", "deploy", "docs", "include", "plugins", "tests/unit", "texts")


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        files: files that each such change edits; `*` stands for a name that the person chooses.
        others: files that only some of them edit.
        command: the command to run afterwards; "" for none.
    """

    files: tuple[str, ...]
    others: tuple[str, ...]
    command: str


def read_table() -> dict[str, Row]:
    """Return the rows of CONTRIBUTING.md's table «How to change», by what they change."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("\n## How to change\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {change: _row(files, command) for change, files, command in cells}


def _row(edited: str, command: str) -> Row:
    """Read the cells of a row: the files that only some changes edit come after a semicolon."""
    files, others = (
        tuple(re.findall(r"`([^`]*[./][^`]*)`", part)) for part in f"{edited};".split(";", 1)
    )
    return Row(files, others, command.strip("`"))


class Change:
    """A change on a copy of the project: the person's edits, and what follows from them."""

    def __init__(self, name: str, folder: Path) -> None:
        """Copy the project to `folder`; `name` is the change's row in the table."""
        self.row = read_table()[name]
        self._folder = folder
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part)
        for file in ("requirements.in", "requirements.txt"):
            shutil.copy(ROOT / file, folder)
        self._generated: set[str] = set()

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that the file has exactly once."""
        text = self.read(file)
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        (self._folder / file).write_text(text.replace(old, new), encoding="utf-8")

    def add(self, file: str, text: str) -> None:
        """Add a text to the end of a file, which may be a new one."""
        with (self._folder / file).open("a", encoding="utf-8") as opened:
            opened.write(text)

    def add_text(self, language: str, key: str, value: str) -> None:
        """Add a text to a language's file, such as "check.refunds.title"."""
        file = f"texts/{language}.json"
        texts = json.loads(self.read(file))
        *path, name = key.split(".")
        place = texts
        for part in path:
            place = place.setdefault(part, {})
        place[name] = value
        text = json.dumps(texts, ensure_ascii=False, indent=2) + "\n"
        (self._folder / file).write_text(text, encoding="utf-8")

    def run_command(self) -> None:
        """Run the command that the table names after the edits."""
        said = self.run(self.row.command)
        self._generated |= {str(Path(it).relative_to(self._folder)) for it in said.splitlines()}

    def run(self, command: str) -> str:
        """Run a command such as `./ventas docs` in the copy, and return its output."""
        program, *arguments = shlex.split(command)
        assert program == "./ventas"
        return self._run("-m", "commands.cli", *arguments)

    def ask(self, code: str) -> Any:
        """Run Python code in the copy, and return the value of its variable `answer`."""
        return json.loads(self._run("-c", f"import json\n{code}\nprint(json.dumps(answer))"))

    def read(self, file: str) -> str:
        """Return the text of a file of the copy."""
        return (self._folder / file).read_text(encoding="utf-8")

    def check_files(self) -> None:
        """Check that the person edited the files of the table's row, each of them, and no other."""
        edited = {file for file in self._differing() if file not in self._generated}

        def listed(*files: str) -> set[str]:
            return {file for file in edited if any(fnmatch(file, it) for it in files)}

        assert edited - listed(*self.row.files, *self.row.others) == set(), "the row lacks files"
        assert all(listed(file) for file in self.row.files), f"{self.row.files} are not all needed"

    def _differing(self) -> list[str]:
        found = []
        for part in PARTS:
            for path in (self._folder / part).rglob("*"):
                file = path.relative_to(self._folder)
                if path.is_dir() or path.suffix == ".pyc":
                    continue
                before = ROOT / file
                if not before.exists() or before.read_bytes() != path.read_bytes():
                    found.append(str(file))
        return found

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self._folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{self._folder}:{self._folder / 'plugins'}",
                # Not used; the copy's own would be too long a path.
                "VENTAS_HOME": f"{tempfile.gettempdir()}/ventas",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
