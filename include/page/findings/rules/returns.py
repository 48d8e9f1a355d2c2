"""Returns: the share of a category in all refunds, or in all chargebacks, rose, in 180 minutes.

Or its chargebacks rose in proportion to its sales, and their share is at least unlikely. They are
compared with the same minutes of earlier days of this kind.
"""

import numpy as np

from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import LEVEL, Judged, Rule, significant
from include.page.findings.shares import SURE, Shares
from include.page.findings.tables_of_look import LONGEST, RETURNS, LookTables


def _judge(tables: LookTables) -> Judged | Missing:
    if not tables.kind_days:
        return Missing("returns", "kind")
    categories = tables.categories
    names = [(state, name) for state in RETURNS for name in categories.names]
    refunds, chargebacks = (categories.cells[column] for column in RETURNS.values())
    counts = [Shares.of_all(array, array.sum(axis=0)) for array in (refunds, chargebacks)]
    shares = Shares(*(np.concatenate(column) for column in zip(*counts, strict=True)))
    by_share = shares.tails(low=False, most=SURE)
    # Chargebacks are so few at first that shares tell little; but all of them rise in the first
    # weeks of a history, and then no share does.
    of_sales = Shares.of_all(chargebacks, categories.cells[f"ventas_{LONGEST}"])
    by_sales = of_sales.tails(low=False, most=LEVEL)
    first = len(refunds)
    unlike = (by_share[first:] <= SURE) | (chargebacks[:, 1:].sum() == 0)
    p = np.concatenate([by_share, np.where(unlike, by_sales, 1.0)])
    findings: dict[int, Finding] = {}
    for place in significant(p):
        i = place if place < len(names) else place - first
        state, name = names[i]
        findings.setdefault(
            i,
            Finding(
                kind="returns",
                severity="high" if state == "contracargo" else "medium",
                text=state,
                action=state,
                subject={"categoria": name},
                numbers=shares.numbers(i, float(p[place]), LONGEST),
                query="categories",
            ),
        )
    return Judged("returns", list(findings.values()), p.size)


RULE = Rule(_judge, ("categories",))
