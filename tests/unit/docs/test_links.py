"""Pages, anchors and files that the docs name exist, and no path belongs to a single machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from include.stack.settings import ROOT
from tests.support.pages import Code, Link, Page, github_slug, pages

PAGES = pages()

_FILE = re.compile(
    r"[\w.*{},-]+(?:/[\w.*{},-]+)*\.(?:py|sql|csv|md|json|yaml|sh|xml|tf|txt|svg|in)"
)
_FOLDER = re.compile(r"(?:bench|chaos|dags|docs|include|plugins|soak|terraform|tests)/[\w./*-]*")

#: Files that a run makes, or that belong to another project.
NOT_IN_THE_PROJECT = {
    *("soak.csv", "sbom.json", "terraform.tfvars.json"),
    *("airflow/secrets.json", "airflow/passwords.json"),
}

_OF_ONE_MACHINE = re.compile(r"(?<![\w./$}-])/(?:home|root|Users|work|tmp)/\S*")

of_each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def files() -> frozenset[str]:
    """Return every path of the project, relative to its root."""
    skipped = {".git", ".venv", ".ventas", "__pycache__"}
    found = set()
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in skipped]
        place = Path(folder).relative_to(ROOT)
        found |= {str(place / name) for name in (*names, *folders)}
    return frozenset(found)


def is_there(name: str) -> bool:
    """Return whether a path of the project ends with `name`.

    `*` stands for any part of a name, and `{a,b}` for `a` or `b`.
    """
    pattern = re.escape(name.removeprefix("../").removeprefix("./").rstrip("/"))
    pattern = pattern.replace(r"\*", "[^/]*")
    pattern = re.sub(r"\\\{(.*?)\\\}", lambda found: f"(?:{found[1].replace(',', '|')})", pattern)
    wanted = re.compile(rf"(?:.*/)?{pattern}")
    return any(wanted.fullmatch(path) for path in files())


def broken(page: Page) -> Iterator[str]:
    for item in page.items:
        if not isinstance(item, Link) or re.match(r"[a-z]+:", item.target):
            continue
        path, _, anchor = item.target.partition("#")
        target = (page.path.parent / path) if path else page.path
        if not target.exists():
            yield f"{page.name}:{item.line} links to {item.target}, which is not there"
        elif anchor and anchor not in Page(target.resolve()).anchors:
            yield f"{page.name}:{item.line} links to {item.target}, and there is no such anchor"


@of_each
def test_links_of_the_page_exist(page: Page) -> None:
    assert not (told := list(broken(page))), "\n".join(told)


def test_every_page_of_the_docs_is_reachable_from_the_readme() -> None:
    todo, reached = [ROOT / "README.md"], set()
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = [it.target.partition("#")[0] for it in Page(page).items if isinstance(it, Link)]
        todo += [(page.parent / it).resolve() for it in targets if it and ":" not in it]
    assert set((ROOT / "docs").glob("*.md")) - reached == set()


@of_each
def test_files_named_in_the_page_exist(page: Page) -> None:
    named = [
        (item.line, item.text)
        for item in page.items
        if isinstance(item, Code) and (_FILE.fullmatch(item.text) or _FOLDER.fullmatch(item.text))
    ]
    told = [
        f"{page.name}:{line} names `{name}`, which is not there"
        for line, name in named
        if name not in NOT_IN_THE_PROJECT and not is_there(name)
    ]
    assert not told, "\n".join(told)


@of_each
def test_page_names_no_folder_of_a_single_machine(page: Page) -> None:
    assert not _OF_ONE_MACHINE.findall(page.text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a](docs/nothing.md)", "links to docs/nothing.md, which is not there"),
        ("[a](#nowhere)\n# Somewhere", "links to #nowhere, and there is no such anchor"),
        ("![a](images/no.png)", "links to images/no.png, which is not there"),
    ],
)
def test_broken_link_is_reported(tmp_path: Path, text: str, told: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    assert [it.partition(" ")[2] for it in broken(Page(page))] == [told]


def test_file_is_found_by_the_end_of_its_path() -> None:
    assert is_there("README.md")
    assert is_there("sales/event.py")
    assert is_there("include/stack/maven/*.xml")
    assert is_there("include/sales/{event,content}.py")
    assert not is_there("vent.py")
    assert not is_there("include/sales/events.py")


def test_anchors_are_made_as_on_github() -> None:
    assert github_slug("How to change…") == "how-to-change"
    assert github_slug("«Qué hacer» 2, y más") == "qué-hacer-2-y-más"
    assert github_slug("A `code`_b") == "a-code_b"
