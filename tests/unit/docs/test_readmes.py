"""README.md and README.es.md have the same content; a missing part is reported with its place."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from pathlib import Path

import pytest

from include.stack.settings import ROOT
from tests.support.pages import Code, Fence, Heading, Link, Page, Table

ENGLISH, SPANISH = Page(ROOT / "README.md"), Page(ROOT / "README.es.md")

#: Targets that each README has in its own language.
_TRANSLATED = {
    **dict.fromkeys(("README.md", "README.es.md"), "the other README"),
    **dict.fromkeys(("docs/images/live-en.png", "docs/images/live.png"), "the page's picture"),
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def outline(page: Page) -> list[tuple[str, str, int]]:
    """Return the parts that both READMEs need in the same order: kind, text and line of each."""
    found: list[tuple[str, str, int]] = []
    for item in page.items:
        match item:
            case Heading(line, level, text):
                found.append((f"heading of level {level}", text, line))
            case Fence(line, language, text, mark):
                found.append((f"block {language!r} marked {mark!r}", "", line))
                for number, command in enumerate(text.splitlines(), line + 1):
                    if language == "sh" and (said := command.split(" #")[0].strip()):
                        found.append((f"line `{said}`", "", number))
                    elif language == "text":
                        found.append(("line of a sample", command, number))
            case Table(line, rows, columns):
                found.append((f"table of {rows} lines and {columns} columns", "", line))
            case Link(line, target):
                found.append((f"link to {_TRANSLATED.get(target, target)}", "", line))
    return found


def differences(one: Page, other: Page) -> list[str]:
    first, second = outline(one), outline(other)
    told = []
    matcher = difflib.SequenceMatcher(
        None, [it[0] for it in first], [it[0] for it in second], autojunk=False
    )
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        if what != "equal":
            told += [_lacks(other, one, item) for item in first[i:i_end]]
            told += [_lacks(one, other, item) for item in second[j:j_end]]
    return told


def _lacks(lacking: Page, having: Page, item: tuple[str, str, int]) -> str:
    kind, text, line = item
    what = f"{kind} «{text}»" if text else kind
    return f"{lacking.name} lacks the {what} of {having.name}:{line}"


def sections(page: Page) -> list[tuple[str, Counter[str]]]:
    """Return each section's heading, and the counts of its numbers and of its texts in backticks.

    Only the digits of a number count, because Spanish separators differ.
    """
    starts = [(it.line, it.text) for it in page.items if isinstance(it, Heading)]
    lines = page.text.splitlines()
    found = []
    for position, (line, heading) in enumerate(starts):
        end = starts[position + 1][0] - 1 if position + 1 < len(starts) else len(lines)
        of_it = Counter(
            f"`{it.text}`" for it in page.items if isinstance(it, Code) and line <= it.line <= end
        )
        numbers = _NUMBER.findall("\n".join(lines[line - 1 : end]))
        of_it.update(re.sub(r"[.,]", "", number).lstrip("0") or "0" for number in numbers)
        found.append((f"«{heading}» (line {line})", of_it))
    return found


def test_both_readmes_have_the_same_outline() -> None:
    assert not (told := differences(ENGLISH, SPANISH)), "\n".join(told)


def test_sections_of_both_readmes_have_the_same_numbers_and_names() -> None:
    told = []
    for (english, had), (spanish, has) in zip(sections(ENGLISH), sections(SPANISH), strict=True):
        for one, other, lacking in ((had, has, spanish), (has, had, english)):
            told += [f"{lacking} lacks {what}" for what in one - other]
    assert not told, "\n".join(told)


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        ("## How it works\n", "", "README.md lacks the heading of level 2 «Cómo funciona» of"),
        ("./ventas down  ", "./ventas stop  ", "lacks the line `./ventas down` of README.es.md"),
        ("| run it |", "| new | x |\n| run it |", "lacks the table of 6 lines and 2 columns"),
        ("(docs/findings.md)", "(docs/found.md)", "lacks the link to docs/found.md of README.md"),
    ],
)
def test_missing_part_of_a_readme_is_reported_with_its_place(
    tmp_path: Path, line: str, instead: str, told: str
) -> None:
    assert line in ENGLISH.text
    changed = tmp_path / "README.md"
    changed.write_text(ENGLISH.text.replace(line, instead), encoding="utf-8")
    assert any(told in it for it in differences(Page(changed), SPANISH))
