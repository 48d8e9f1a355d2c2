"""Parser of the project's Markdown pages, for the tests of the docs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from include.stack.settings import ROOT

_PARSER = MarkdownIt("commonmark").enable("table")

_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_ANCHOR = re.compile(r'<a id="([^"]+)">')


class Heading(NamedTuple):
    line: int
    level: int
    text: str


class Fence(NamedTuple):
    line: int
    language: str
    text: str
    mark: str
    """Text of the HTML comment right above; "" without one."""


class Table(NamedTuple):
    line: int
    rows: int
    columns: int


class Link(NamedTuple):
    line: int
    target: str


class Code(NamedTuple):
    line: int
    text: str


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        """Path in the project; for a page outside of it, the file's name."""
        inside = self.path.is_relative_to(ROOT)
        return str(self.path.relative_to(ROOT)) if inside else self.path.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def items(self) -> list[Heading | Fence | Table | Link | Code]:
        """Items in the order of the text; lines count from 1, and a table's cell has its row's."""
        return list(_items(_PARSER.parse(self.text)))

    @cached_property
    def anchors(self) -> set[str]:
        """Anchors that `#…` may name: GitHub's of the headings, and those set by hand."""
        seen: dict[str, int] = {}
        anchors = set(_ANCHOR.findall(self.text))
        for item in self.items:
            if isinstance(item, Heading):
                slug = github_slug(item.text)
                count = seen.get(slug, 0)
                seen[slug] = count + 1
                anchors.add(f"{slug}-{count}" if count else slug)
        return anchors


def pages() -> list[Page]:
    """Return every page that people read, with those of the DAGs and of the market's data."""
    folders = ("*.md", "docs/**/*.md", "dags/*.md", "include/**/*.md", "terraform/**/*.md")
    return [Page(path) for pattern in folders for path in sorted(ROOT.glob(pattern))]


def github_slug(heading: str) -> str:
    """Return GitHub's anchor: letters, digits, `-` and `_` in lower case, with `-` for blanks."""
    kept = [
        sign
        for sign in heading.strip().lower()
        if sign in " -_" or unicodedata.category(sign)[0] in "LN" or sign == "\u0301"
    ]
    return "".join(kept).replace(" ", "-")


def _items(tokens: list[Token]) -> Iterator[Heading | Fence | Table | Link | Code]:
    mark = ""
    line = 1
    for position, token in enumerate(tokens):
        if token.map:
            line = token.map[0] + 1
        if token.type == "heading_open":
            yield Heading(line, int(token.tag[1:]), _plain(tokens[position + 1]))
        elif token.type == "fence":
            yield Fence(line, token.info.strip(), token.content, mark)
        elif token.type == "table_open":
            assert token.map
            # The line between head and rows is not a row.
            yield Table(line, token.map[1] - token.map[0] - 1, _columns(tokens[position:]))
        elif token.type == "inline":
            yield from _inline(token, line)
        if token.type == "html_block" and (found := _COMMENT.fullmatch(token.content.strip())):
            mark = found[1]
        elif token.nesting == 0:
            mark = ""


def _columns(tokens: list[Token]) -> int:
    end = next(n for n, token in enumerate(tokens) if token.type == "thead_close")
    return sum(token.type == "th_open" for token in tokens[:end])


def _inline(token: Token, line: int) -> Iterator[Link | Code]:
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "link_open":
            yield Link(line, str(child.attrs["href"]))
        elif child.type == "image":
            yield Link(line, str(child.attrs["src"]))
        elif child.type == "code_inline":
            yield Code(line, child.content)


def _plain(inline: Token) -> str:
    kept = ("text", "code_inline")
    return "".join(it.content for it in inline.children or () if it.type in kept)
