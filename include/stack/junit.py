"""Read pytest's JUnit files: what became of each suite's tests."""

import xml.etree.ElementTree as ET  # of our own files
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """The tests of one suite in one run."""

    tests: int = 0
    failed: int = 0
    """Errors of fixtures count too."""
    skipped: int = 0
    seconds: float = 0.0
    """Sum of the tests' own times; suites that use every core take less wall time."""


def read_outcomes(file: Path) -> dict[str, Outcome]:
    """Return the outcome of each suite in a JUnit file; none if there is no file."""
    if not file.exists():
        return {}
    outcomes: dict[str, Outcome] = {}
    for case in ET.parse(file).iter("testcase"):  # noqa: S314
        # A file that pytest cannot import has no class name.
        _, _, module = case.get("classname", "").partition("tests.")
        suite = module.partition(".")[0] or "collection"
        before = outcomes.get(suite, Outcome())
        outcomes[suite] = Outcome(
            before.tests + 1,
            before.failed + (case.find("failure") is not None or case.find("error") is not None),
            before.skipped + (case.find("skipped") is not None),
            before.seconds + float(case.get("time", 0)),
        )
    return outcomes
