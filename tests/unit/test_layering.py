"""Imports go in one direction: commands → dags → plugins → include, and inside include as below."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from include.stack.settings import ROOT

#: Other parts of the project that each part may import.
MAY_IMPORT: dict[str, set[str]] = {
    "include.sales": set(),
    "include.stream": {"include.sales"},
    "include.druid": {"include.sales"},
    "include.gcp": {"include.sales", "include.druid"},
    "include.page": {"include.sales", "include.stream", "include.druid", "include.gcp"},
    "include.stack": {"include.sales", "include.stream", "include.druid", "include.gcp"},
    "include.cloud": {"include.stream", "include.gcp"},
    "plugins": {"include.sales", "include.stream", "include.druid", "include.gcp", "include.page"},
    "dags": {"plugins", "include.sales", "include.stream", "include.druid", "include.gcp"},
    "terraform": {"include.gcp"},
    "deploy": set(),
    "commands": {
        *("include.sales", "include.stream", "include.druid", "include.gcp"),
        *("include.page", "include.stack", "include.cloud"),
    },
}

#: Modules that every part may import, and that import nothing of the project.
LEAVES = {"include.names", "include.texts", "include.waiting", "include.web_guard"}

#: Folder of each package that has another name than its folder.
_FOLDERS = {"ventas_airflow": "plugins", "ventas_plugin": "plugins"}


def part_of(module: str) -> str:
    """Return the part of a module, such as `include.druid`; "" for a module of other projects."""
    first, _, rest = module.partition(".")
    if first == "include":
        return f"include.{rest.split('.')[0]}"
    first = _FOLDERS.get(first, first)
    return first if first in MAY_IMPORT or first == "tests" else ""


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and module of each import, also in functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # `from include import druid` names the part only after `import`.
            names = [f"{module}.{a.name}" for a in node.names] if module == "include" else [module]
            yield from ((node.lineno, f"{'.' * node.level}{name}") for name in names)


def forbidden(part: str, source: str) -> list[tuple[int, str]]:
    allowed = MAY_IMPORT[part] | LEAVES | {part, ""}
    return [(line, it) for line, it in imported(source) if part_of(it) not in allowed]


def files_of(part: str) -> list[Path]:
    return sorted(ROOT.joinpath(*part.split(".")).rglob("*.py"))


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_each_part_imports_only_the_allowed_parts(part: str) -> None:
    assert files_of(part)
    told = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in files_of(part)
        for line, module in forbidden(part, file.read_text(encoding="utf-8"))
    ]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_leaf_imports_nothing_of_the_project(leaf: str) -> None:
    source = ROOT.joinpath(*leaf.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    assert not [module for _, module in imported(source) if part_of(module)]


def test_every_folder_with_python_has_a_rule() -> None:
    held = {ROOT.joinpath(*part.split(".")) for part in MAY_IMPORT}
    held |= {ROOT.joinpath(*leaf.split(".")).with_suffix(".py") for leaf in LEAVES}
    held |= {ROOT / "tests", ROOT / "include" / "__init__.py"}
    files = [
        file
        for folder in ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".")
        for file in folder.rglob("*.py")
    ]
    assert len(files) > 400
    assert not [file for file in files if not held & {file, *file.parents}]


def cycle(modules: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of an import cycle, in order; empty if there is none."""
    try:
        TopologicalSorter(modules).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_modules_import_each_other_in_no_cycle() -> None:
    """Imports within functions count too: they would only hide a cycle."""
    sources = {
        _module(file): file.read_text("utf-8") for part in MAY_IMPORT for file in files_of(part)
    }
    graph = {
        name: {found for it in _imported_names(source) if (found := _known(it, sources))} - {name}
        for name, source in sources.items()
    }
    assert not (told := cycle(graph)), " → ".join(told)


def _module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "plugins" else parts)


def _imported_names(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _known(name: str, modules: Mapping[str, str]) -> str:
    """Return the module that `name`, a module or a name in one, belongs to; "" if not ours."""
    return next((it for it in (name, name.rpartition(".")[0]) if it in modules), "")


def test_cycle_is_found() -> None:
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_architecture_page_has_the_same_rules() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([\w/]+)` \| (nothing|`.*`)", text, re.MULTILINE))
    held = {part.replace(".", "/"): names for part, names in MAY_IMPORT.items()}
    assert {part: set(re.findall(r"`([\w/]+)`", names)) for part, names in told.items()} == {
        part: {name.replace(".", "/") for name in names} for part, names in held.items()
    }


@pytest.mark.parametrize(
    "source",
    [
        "import include.stack.jars",
        "from include import stream",
        "def load():\n    from include.stream.reader import read_committed",
        "from ventas_airflow.sales import TOPICS",
        "import commands.bench.load",
        "from tests.support import lab",
    ],
)
def test_forbidden_import_is_found(source: str) -> None:
    assert forbidden("include.druid", source)


def test_no_module_uses_relative_imports() -> None:
    """The rules would not see relative imports."""
    told = [
        str(file.relative_to(ROOT))
        for part in MAY_IMPORT
        for file in files_of(part)
        for _, module in imported(file.read_text(encoding="utf-8"))
        if module.startswith(".")
    ]
    assert not told
