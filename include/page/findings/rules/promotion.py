"""Promotion: the share of discounted sales of a payment type or issuer rose, in 180 minutes.

It is compared with the same minutes of earlier days, this weekday among them, because many
promotions belong to a weekday. If it rose, its shares of all sales and of the revenue are compared
too.
"""

import numpy as np

from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import LEVEL, Judged, Rule, significant
from include.page.findings.rules.ways import filters_of, type_of, with_types
from include.page.findings.shares import SURE, Shares, drop_explained
from include.page.findings.tables_of_look import LONGEST, LookTables
from include.page.findings.windows import HOURS, same_weekday


def _judge(tables: LookTables) -> Judged | Missing:
    ways, hours, days = tables.ways, tables.hours, tables.sold
    if not same_weekday(days):
        return Missing("promotion", "weekday")
    starts = [0, *(24 * day for day in days)]
    columns = [[hours.index(start + hour) for hour in range(HOURS)] for start in starts]
    cells = {name: cell[:, columns].sum(axis=2) for name, cell in ways.cells.items()}
    names, member = with_types(ways.names)
    sums = {name: member @ cell for name, cell in cells.items()}
    shares = Shares(sums["con_descuento"], sums["ventas"])
    of_all = Shares.of_all(sums["ventas"], cells["ventas"].sum(axis=0))
    income_of_all = np.divide(
        sums["ingresos"],
        cells["ingresos"].sum(axis=0),
        out=np.zeros(shares.k.shape),
        where=cells["ingresos"].sum(axis=0) > 0,
    )
    # This weekday's own promotions are usual, even if only one earlier day shows them.
    weekly = [0, *(place for place, day in enumerate(days, 1) if day % 7 == 0)]
    weekday = Shares(shares.k[:, weekly], shares.n[:, weekly]).tails(low=False, most=SURE)
    p = np.where(weekday <= SURE, shares.tails(low=False, most=LEVEL), 1.0)
    parents = [type_of(names, name) for name in names]
    findings = []
    for i in drop_explained(significant(p), parents, shares, low=False):
        p_more = float(of_all.part([i]).tails(low=False, most=1.0)[0])
        sold = of_all.numbers(i, p_more, LONGEST)
        more_sales = p_more <= SURE
        more_income = bool(income_of_all[i, 0] > income_of_all[i, 1:].max())
        verdict = "same" if not more_sales else "more" if more_income else "eaten"
        findings.append(
            Finding(
                kind="promotion",
                severity="info" if verdict == "more" else "medium",
                text=verdict,
                action=verdict,
                subject=filters_of(names[i]),
                numbers={
                    **shares.numbers(i, float(p[i]), LONGEST),
                    "given_centavos": int(sums["descuentos"][i, 0]),
                    "income_centavos": int(sums["ingresos"][i, 0]),
                    "income_share": float(income_of_all[i, 0]),
                    "income_usual": float(
                        sums["ingresos"][i, 1:].sum() / max(int(cells["ingresos"][:, 1:].sum()), 1)
                    ),
                    "income_most": float(income_of_all[i, 1:].max()),
                    **{f"sales_{name}": sold[name] for name in ("share", "usual", "low", "high")},
                    "sales_p": sold["p"],
                },
                query="payments",
            )
        )
    return Judged("promotion", findings, len(names))


RULE = Rule(_judge)
