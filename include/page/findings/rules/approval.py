"""Approval: the approved share of the decided sales of a payment type or issuer fell, in an hour.

It is compared with the hours of the last day, and with this hour of earlier days.
"""

from typing import Final

from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import LEVEL, Judged, Rule, significant
from include.page.findings.rules.ways import filters_of, type_of, with_types
from include.page.findings.shares import Shares, drop_explained
from include.page.findings.tables_of_look import LookTables
from include.page.findings.windows import DAYS, FEWEST, RECENT

GRAVE: Final = 0.10
"""Fall of the approved share that makes a finding severe."""


def _judge(tables: LookTables) -> Judged | Missing:
    ways, hours = tables.ways, tables.hours
    compared = [*range(RECENT), *(24 * day for day in DAYS)]
    columns = [hours.index(hour) for hour in compared]
    names, member = with_types(ways.names)
    k, rejected, income = (
        member @ ways.cells[name][:, columns] for name in ("aprobadas", "rechazadas", "ingresos")
    )
    n = k + rejected
    windows = int((n[:, 1:].sum(axis=0) > 0).sum())
    if windows < FEWEST:
        return Missing("approval", "hours", windows, FEWEST)
    shares = Shares(k, n)
    p = shares.tails(low=True, most=LEVEL)
    parents = [type_of(names, name) for name in names]
    revenue = income.sum(axis=1)
    findings = []
    for i in drop_explained(significant(p), parents, shares, low=True):
        numbers = shares.numbers(i, float(p[i]), 60)
        lost = numbers["expected"] - numbers["k"]
        fall = numbers["usual"] - numbers["share"]
        findings.append(
            Finding(
                kind="approval",
                severity="high" if fall >= GRAVE else "medium",
                text="issuer" if names[i][1] else "type",
                action="issuer" if names[i][1] else "type",
                subject=filters_of(names[i]),
                numbers={
                    **numbers,
                    "lost": lost,
                    "lost_centavos": lost * float(revenue[i]) / max(int(k[i].sum()), 1),
                },
                query="payments",
            )
        )
    return Judged("approval", findings, len(names))


RULE = Rule(_judge)
