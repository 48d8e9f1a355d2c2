"""Payment types and issuers as subjects of findings."""

from collections.abc import Sequence

import numpy as np

from include.page.findings.tables_of_look import Way
from include.sales.random_numbers import Ints


def with_types(ways: Sequence[Way]) -> tuple[list[Way], Ints]:
    """Return each payment type and each pair of type and issuer, and which rows belong to it.

    The second is an array (names, ways) of 0 and 1. Sales without a payment type belong to none.
    """
    types = list(dict.fromkeys((kind, "") for kind, _ in ways if kind))
    names = [*types, *(way for way in ways if all(way))]
    places = {name: place for place, name in enumerate(names)}
    member = np.zeros((len(names), len(ways)), dtype=np.int64)
    for row, way in enumerate(ways):
        for name in (way, (way[0], "")):
            if name in places:
                member[places[name], row] = 1
    return names, member


def type_of(names: Sequence[Way], name: Way) -> int | None:
    """Return the place of an issuer's payment type in `names`; None for a payment type."""
    return names.index((name[0], "")) if name[1] else None


def filters_of(way: Way) -> dict[str, str]:
    """Return the filters of the live page that show a way to pay."""
    kind, issuer = way
    return {"pago": kind, "emisor": issuer} if issuer else {"pago": kind}
