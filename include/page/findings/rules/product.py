"""Product: the share of a product or category in all sales rose or fell, in 15, 60 or 180 minutes.

It is compared with the same minutes of earlier days of this kind (weekday, Saturday, Sunday) that
have the same holiday or event, such as CyberMonday, or none as today. A season's sales are
expected.
"""

import numpy as np

from include.page.findings.calendar import Calendar
from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import LEVEL, Judged, Rule, significant
from include.page.findings.shares import Shares, drop_explained
from include.page.findings.tables_of_look import LookTables
from include.page.findings.windows import DAY_MS, STRETCHES
from include.sales.local_time import day_of, epoch_ms, hours_of


def _judge(tables: LookTables) -> Judged | Missing:
    days = tables.like_days
    if not days:
        return Missing("product", "calendar" if tables.kind_days else "kind")
    sales = tables.sales(days)
    categories, products = tables.goods("categories"), tables.goods("products")
    first = len(categories.names)  # of the products
    names = [*categories.names, *products.names]
    category_of = Calendar.known().category_of
    places = {name: place for place, name in enumerate(categories.names)}
    parents = [*[None] * first, *(places.get(category_of.get(it, "")) for it in products.names)]
    dates = [day_of(hours_of(epoch_ms(tables.now) - day * DAY_MS)) for day in (0, *days)]
    seasons = Calendar.known().seasons(names, dates)
    by_stretch = [
        Shares.of_all(
            np.concatenate([table.cells[f"ventas_{m}"] for table in (categories, products)]),
            np.rint(sales[m] * seasons / seasons[:, :1]).astype(np.int64),
        )
        for m in STRETCHES
    ]
    p = np.array([s.both_tails(most=LEVEL) for s in by_stretch])
    believed: dict[int, tuple[int, int]] = {}
    # Categories are a family of their own, because the many products would hide them.
    for since, tested in ((0, p[:, :, :first]), (first, p[:, :, first:])):
        for place in significant(tested.ravel(), families=2):
            stretch, falls, i = (int(at) for at in np.unravel_index(place, tested.shape))
            believed.setdefault(since + i, (stretch, falls))
    kept = set(believed)
    for whole in filter(lambda i: i < first, believed):
        stretch, falls = believed[whole]
        parts = [i for i, found in believed.items() if parents[i] == whole and found[1] == falls]
        k, n = by_stretch[stretch]
        # A product takes its own sales from the category, and as many from all sales.
        shares = Shares(k, np.concatenate([n[:first], k[first:]]))
        family = [whole, *parts]
        kept -= {*family} - {*drop_explained(family, parents, shares, low=bool(falls))}
    findings = []
    for i in filter(kept.__contains__, believed):
        stretch, falls = believed[i]
        direction = "down" if falls else "up"
        text = f"category_{direction}" if i < first else direction
        findings.append(
            Finding(
                kind="product",
                severity="medium" if falls else "info",
                text=text,
                action=text,
                subject={"categoria" if i < first else "producto": names[i]},
                numbers=by_stretch[stretch].numbers(
                    i, float(p[stretch, falls, i]), STRETCHES[stretch]
                ),
                query="categories" if i < first else "products",
            )
        )
    return Judged("product", findings, p.size)


RULE = Rule(_judge, ("products", "categories", "stores"))
