"""Sums of two ranges by the values of the filters, from Druid's rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

import numpy as np

from include.page.events import Rows
from include.page.filters import COLUMNS
from include.page.findings.tables import MOST_SUBJECTS
from include.page.measures import Key, Measures, measures_by
from include.page.why.figures import Column
from include.sales.random_numbers import Floats

PERIODS: Final = ("ahora", "antes")
"""Suffixes of the rows' columns: the range, and the earlier range that it is compared with."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "payments": ("pago", "emisor"),
    "places": ("provincia", "sucursal"),
    "products": ("categoria", "producto"),
    "platforms": ("plataforma",),
}
"""Filters whose columns each query groups by."""

DIMENSIONS: Final[Mapping[tuple[str, ...], str]] = {
    **{(name,): group for group, names in GROUPS.items() for name in names},
    GROUPS["payments"]: "payments",
}
"""The filters of each dimension, and the query that it comes from."""

Row = Mapping[str, Any]
Subject = tuple[Any, ...]

_OF_APPROVED: Final[Mapping[Column, str]] = {
    "units": "unidades",
    "listed": "descuento",
    "discounted": "con_descuento",
    "squares": "cuadrados",
}
"""Columns of the rows that are added to the sums of approved sales."""


class Sums(NamedTuple):
    """Sums of two ranges by the columns of a query.

    Attributes:
        subjects: the value of each filter, by place in the arrays; None is unknown.
        columns: the sums, arrays (2, subjects): now and before.
    """

    subjects: list[Subject]
    columns: Mapping[Column, Floats]

    def chain(self, columns: Sequence[Column]) -> Floats:
        """Return some sums as an array (2, columns, subjects)."""
        return np.stack([self.columns[name] for name in columns], axis=1)

    def by(self, dimension: Sequence[str]) -> tuple[list[Subject], Floats]:
        """Return the values of a dimension, and an array (values, subjects): 1 for a value's own.

        The dimension's filters are among those of this query.
        """
        group = GROUPS[DIMENSIONS[tuple(dimension)]]
        places = [group.index(name) for name in dimension]
        found = [tuple(subject[place] for place in places) for subject in self.subjects]
        order = {name: number for number, name in enumerate(dict.fromkeys(found))}
        members = np.zeros((len(order), len(found)))
        members[[order[name] for name in found], range(len(found))] = 1
        return list(order), members


def tabulate(rows: Rows, group: str) -> Sums:
    """Return the sums of a query's rows; of too many subjects, the smallest count as unknown."""
    names = [COLUMNS[name] for name in GROUPS[group]]
    sizes: Counter[Subject] = Counter()
    for row in rows:
        own = tuple(row[name] for name in names)
        sizes[own] += sum(row[f"eventos_{period}"] for period in PERIODS)
    kept = {own for own, _ in sizes.most_common(MOST_SUBJECTS)}

    def subject(row: Row) -> Subject:
        own = tuple(row[name] for name in names)
        return own if own in kept else (None,) * len(names)

    subjects = list(dict.fromkeys(map(subject, rows)))
    sides = [_sums(rows, period, subject) for period in PERIODS]
    columns: dict[Column, Floats] = {
        name: np.array([[side[it][name] for it in subjects] for side in sides], dtype=float)
        for name in get_args(Column)
    }
    return Sums(subjects, columns)


def totals(rows: Rows, period: str) -> dict[Column, int]:
    """Return the exact sums of all rows in a range."""
    found = _sums(rows, period, lambda _: None)
    return found[None] if found else _columns(Measures())


def _sums(
    rows: Iterable[Row], period: str, key: Callable[[Row], Key]
) -> dict[Key, dict[Column, int]]:
    own = [
        {**row, "events": row[f"eventos_{period}"], "amount": row[f"importe_{period}"]}
        for row in rows
    ]
    found = {name: _columns(measures) for name, measures in measures_by(own, key).items()}
    for row in own:
        if row["estado"] == "aprobada":
            for column, name in _OF_APPROVED.items():
                found[key(row)][column] += row[f"{name}_{period}"] or 0
    return found


def _columns(it: Measures) -> dict[Column, int]:
    return {
        **dict.fromkeys(get_args(Column), 0),
        "sales": it.sales,
        "decided": it.approved + it.rejected,
        "approved": it.approved,
        "listed": it.revenue_centavos,
        "revenue": it.revenue_centavos,
        "refunded": it.refunded,
        "charged_back": it.charged_back,
    }
