"""Find what is unusual in the sales, from the rows of the queries; on usual days, find nothing.

Every judged value is a share, `k` of `n`, of the last minutes. It is compared with the same share
in earlier windows (`windows.py`), by the beta-binomial distribution of `baseline.py`. Each module
of `rules` says which share it judges, and what it compares it with.

A look makes about 2,800 comparisons. On usual days the chance that it finds anything is at
most `LEVEL`, divided equally among the kinds, and within each kind by Holm's procedure. Looks a
minute apart see almost the same sales; docs/findings.md has the simulated chance for a whole day.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Final, get_args

from include.page.findings import rules
from include.page.findings.report import KINDS, Kind, Missing, Query, Report, Severity
from include.page.findings.rules.rule import LEVEL, Judged, Rule
from include.page.findings.tables import Columns
from include.page.findings.tables_of_look import LookTables
from include.sales.local_time import epoch_ms

log = logging.getLogger(__name__)

RULES: Final[Mapping[Kind, Rule]] = {
    kind: import_module(f"{rules.__name__}.{kind}").RULE for kind in KINDS
}
"""The rule of each kind, from the module with the kind's name."""

_ORDER: Final[tuple[Severity, ...]] = get_args(Severity)


def judge(rows: Mapping[Query, Columns], now: datetime) -> Report:
    """Judge the rows of the queries of ``page/sql/findings/``.

    A kind whose query is not in `rows`, or whose judging fails, is reported as missing; the other
    kinds are judged.
    """
    tables = LookTables(rows, now)
    judged = [_judged(kind, tables) for kind in RULES]
    made = [found for found in judged if isinstance(found, Judged)]
    return Report(
        end=epoch_ms(now),
        sales=_sales(tables),
        tests={found.kind: found.tests for found in made},
        level=LEVEL,
        findings=sorted(
            (finding for found in made for finding in found.findings),
            key=lambda finding: (_ORDER.index(finding.severity), finding.numbers["p"]),
        ),
        missing=[found for found in judged if isinstance(found, Missing)],
    )


def _judged(kind: Kind, tables: LookTables) -> Judged | Missing:
    if not _answered(kind, tables.rows):
        return Missing(kind, "error")
    try:
        return RULES[kind].judge(tables)
    except Exception:
        log.exception("The findings of kind %r cannot be judged", kind)
        return Missing(kind, "error")


def _sales(tables: LookTables) -> int | None:
    """Return the sales of the last hour; None if the stores' rows cannot be read."""
    if "stores" not in tables.rows:
        return None
    try:
        return int(tables.sales([])[60][0])
    except Exception:
        log.exception("The sales of the last hour cannot be counted")
        return None


def _answered(kind: Kind, rows: Mapping[Query, Columns]) -> bool:
    """Return whether every query that a kind needs was answered."""
    return {"payments", *RULES[kind].queries} <= rows.keys()
