"""Store: the share of a store or platform in all sales is zero, in 15, 60 or 180 minutes.

It is compared with the same minutes of earlier days of this kind. If no store sells at all, none is
blamed, and a store that is usually closed at this time is not expected to sell.
"""

import numpy as np

from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import LEVEL, Judged, Rule, significant
from include.page.findings.shares import Shares
from include.page.findings.tables import named
from include.page.findings.tables_of_look import LookTables
from include.page.findings.windows import STRETCHES


def _judge(tables: LookTables) -> Judged | Missing:
    days = tables.kind_days
    if not days:
        return Missing("store", "kind")
    sales = tables.sales(days)
    stores, platforms = (named(tables.places(it, days)) for it in ("stores", "platforms"))
    names = [*stores.names, *platforms.names]
    first = len(stores.names)  # of the platforms
    cells = {
        name: np.concatenate([cell, platforms.cells[name]]) for name, cell in stores.cells.items()
    }
    by_stretch = [Shares.of_all(cells[f"ventas_{m}"], sales[m]) for m in STRETCHES]
    p = np.array([np.where(s.k[:, 0] == 0, s.tails(low=True, most=LEVEL), 1.0) for s in by_stretch])
    findings: dict[int, Finding] = {}
    for place in significant(p.ravel()):
        stretch, i = (int(at) for at in np.unravel_index(place, p.shape))
        last = int(cells["ultima"][i, 0])
        numbers = by_stretch[stretch].numbers(i, float(p.flat[place]), STRETCHES[stretch])
        found = Finding(
            kind="store",
            severity="high",
            text="since" if last else "silent",
            action="silent" if i < first else "platform",
            subject={"sucursal" if i < first else "plataforma": names[i]},
            numbers={**numbers, "last": last},
            query="stores" if i < first else "platforms",
        )
        findings.setdefault(i, found)
    return Judged("store", list(findings.values()), p.size)


RULE = Rule(_judge, ("stores", "platforms"))
