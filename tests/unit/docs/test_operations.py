"""The runbook: the code has each message that it quotes, and it lists each check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from include import texts
from include.druid.check_file import Check
from include.druid.checks import load_checks
from include.stack.settings import ROOT
from tests.support.pages import Page
from ventas_airflow import alerts

RUNBOOK = Page(ROOT / "docs" / "operations.md")

_QUOTED = re.findall(r"^> (.+)$", RUNBOOK.text, re.MULTILINE)

#: Placeholder for the variable parts of a text in the source.
_HOLE = "\0"

_LOGGED = re.compile(r"%(?:\.\d+)?[sdfr]")


@cache
def told_by_the_code() -> tuple[str, ...]:
    """Return the texts in the sources, without docstrings, and those that people read."""
    files = [file for part in ("include", "plugins") for file in (ROOT / part).rglob("*.py")]
    in_code = [text for file in files for text in _texts(file.read_text(encoding="utf-8"))]
    return (*in_code, *_values(texts.table(texts.DEFAULT)))


def _values(table: Mapping[str, Any]) -> Iterator[str]:
    for value in table.values():
        if isinstance(value, Mapping):
            yield from _values(value)
        else:
            yield re.sub(r"\{\w+\}", _HOLE, value)


def _texts(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
        elif isinstance(node, ast.Expr):
            skipped.add(id(node.value))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (
                part.value if isinstance(part, ast.Constant) else _HOLE for part in node.values
            )
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _LOGGED.sub(_HOLE, node.value)


def is_told(message: str) -> bool:
    """Return whether the source has the message; each `…` stands for a variable part."""
    parts = [re.escape(part.strip()) for part in message.split("…")]
    pattern = re.compile(rf"\s*.*{_HOLE}.*\s*".join(part for part in parts if part), re.DOTALL)
    return any(pattern.search(text) for text in told_by_the_code())


@pytest.mark.parametrize("message", sorted(set(_QUOTED)))
def test_quoted_message_exists_in_the_code(message: str) -> None:
    assert re.search(r"\w{4}", message), "nothing to look for"
    assert is_told(message)


def test_runbook_quotes_messages() -> None:
    assert len(_QUOTED) > 25


def test_message_that_the_code_does_not_have_is_detected() -> None:
    assert is_told("Druid at … does not answer")
    assert is_told("topic … has … partitions, but … are needed")
    assert not is_told("Druid at … does not reply")
    assert not is_told("topic … has … parts, but … are needed")


@pytest.mark.parametrize("check", load_checks(), ids=lambda check: check.name)
def test_runbook_lists_every_check_with_its_severity(check: Check) -> None:
    rows = [line for line in RUNBOOK.text.splitlines() if line.startswith("| *")]
    title = f"*{check.title}* ({texts.text(f'check.{check.name}.title', 'en')})"
    [row] = [line for line in rows if title in line]
    assert row.split(" | ")[1] == check.severity


@pytest.mark.parametrize(
    "place", [alerts.FAILED, alerts.INVALID, alerts.SHORT, alerts.LATE, alerts.VM_LEFT_ON]
)
def test_alert_links_to_its_section(place: str) -> None:
    page, _, anchor = place.partition("#")
    assert anchor in Page(ROOT / page).anchors
