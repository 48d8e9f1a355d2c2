"""A rule of «Qué hacer», and the level at which its comparisons are significant."""

from collections.abc import Callable
from typing import Final, NamedTuple

from include.page.findings.baseline import holm
from include.page.findings.report import KINDS, Finding, Kind, Missing, Query
from include.page.findings.tables_of_look import LookTables
from include.sales.random_numbers import Floats

LEVEL: Final = 1e-3
"""Highest chance of any finding in a look at usual sales."""


class Judged(NamedTuple):
    """Findings of a rule, and the number of comparisons that it made."""

    kind: Kind
    findings: list[Finding]
    tests: int


class Rule(NamedTuple):
    """A rule, and the queries that it needs.

    Every rule also needs "payments", which shows the days that had sales.
    """

    judge: Callable[[LookTables], Judged | Missing]
    queries: tuple[Query, ...] = ()


def significant(p: Floats, families: int = 1) -> list[int]:
    """Return the tests of a kind that are significant, or of one of its families of tests."""
    return holm(p, LEVEL / len(KINDS) / families)
