"""Read pytest's JUnit files and count the tests of each suite by result."""

import xml.etree.ElementTree as ET  # of our own files
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """Results of the tests of one suite in one run."""

    tests: int = 0
    failed: int = 0
    """Failed tests, and errors of fixtures."""
    skipped: int = 0
    seconds: float = 0.0
    """Sum of the tests' times; with tests on several cores, the wall time is shorter."""


def read_outcomes(file: Path) -> dict[str, Outcome]:
    """Return the outcome of each suite in a JUnit file; empty without a file."""
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
