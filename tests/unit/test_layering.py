"""Imports go in one direction: dags → plugins → include, and inside include towards `sales`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from include.stack.settings import ROOT

#: Other parts of the project that each part may import.
MAY_IMPORT = {
    "include.sales": set(),
    "include.stream": {"include.sales"},
    "include.druid": {"include.sales"},
    "include.gcp": {"include.sales", "include.druid"},
    "include.stack": {"include.sales", "include.stream", "include.druid", "include.gcp"},
    "plugins": {"include.sales", "include.stream", "include.druid", "include.gcp"},
    "dags": {"plugins", "include.sales", "include.stream", "include.druid", "include.gcp"},
}

#: Modules that every part may import, and that import nothing of the project.
LEAVES = {"include.texts", "include.web_guard"}

#: The command line may import the tools that measure or damage the stack, which import the stack.
COMMAND_LINE = ROOT / "include" / "stack" / "cli.py"
TOOLS = {"bench", "chaos", "soak"}

#: Folder of each package that has another name than its folder.
_FOLDERS = {"ventas_airflow": "plugins", "ventas_plugin": "plugins"}


def part_of(module: str) -> str:
    """Return the part of a module, such as `include.druid`; "" for a module of other projects."""
    first, _, rest = module.partition(".")
    if first == "include":
        return f"include.{rest.split('.')[0]}"
    first = _FOLDERS.get(first, first)
    return first if (ROOT / first).is_dir() and list((ROOT / first).glob("*.py")) else ""


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


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_each_part_imports_only_the_allowed_parts(part: str) -> None:
    files = sorted(ROOT.joinpath(*part.split(".")).rglob("*.py"))
    assert files
    told = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in files
        for line, module in forbidden(part, file.read_text(encoding="utf-8"))
        if not (file == COMMAND_LINE and part_of(module) in TOOLS)
    ]
    assert not told, "\n".join(told)


def test_every_part_has_a_rule() -> None:
    inside = {f"include.{file.parent.name}" for file in (ROOT / "include").glob("*/__init__.py")}
    assert inside == {part for part in MAY_IMPORT if part.startswith("include.")}


def test_architecture_page_has_the_same_rules() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (nothing|`.*`)", text, re.MULTILINE))
    held = {part.removeprefix("include."): names for part, names in MAY_IMPORT.items()}
    assert {part: set(re.findall(r"`(\w+)`", names)) for part, names in told.items()} == {
        part: {name.removeprefix("include.") for name in held[part]} for part in told
    }
    assert {"sales", "stream", "druid", "gcp", "stack"} == told.keys()


@pytest.mark.parametrize(
    "source",
    [
        "import include.stack.jars",
        "from include import stream",
        "def load():\n    from include.stream.reader import read_committed",
        "from ventas_airflow.sales import TOPICS",
        "import bench.load",
    ],
)
def test_forbidden_import_is_found(source: str) -> None:
    assert forbidden("include.druid", source)


def test_no_module_uses_relative_imports() -> None:
    """The rule would not see relative imports."""
    files = [file for part in MAY_IMPORT for file in ROOT.joinpath(*part.split(".")).rglob("*.py")]
    told = [
        str(file.relative_to(ROOT))
        for file in files
        for _, module in imported(file.read_text(encoding="utf-8"))
        if module.startswith(".")
    ]
    assert not told
