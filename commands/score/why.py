"""Score «¿Por qué cambió?»: plant incidents in simulated sales, and ask why a figure changed.

The question is about the last hour of the incident, compared with the same hour of the day and of
the week before. The queries' own SQL runs on SQLite.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, cast

import numpy as np

from commands.score.business import BEGINS, HISTORY, SCALE
from commands.score.cases import Cases, Score, rows_of
from commands.score.local_druid import LocalDruid
from commands.score.sales import Events, Simulation
from include.druid.client import DruidClient
from include.names import DATASOURCE
from include.page.filters import Filters
from include.page.why.causes import Cause
from include.page.why.explain import Explained, Explanation, comparisons, explain
from include.page.why.figures import Name
from include.sales.event import ESTADOS
from include.sales.incidents import Plan, values_of
from include.sales.local_time import epoch_ms
from include.sales.market import Market

RANGE: Final = "1h"
AGAINST: Final = ("yesterday", "week")

FIRST: Final = 2
"""The planted cause is found if it is among so many causes."""


def score_why(
    market: Market, seed: int, cases: Cases, scores: Mapping[str, Score]
) -> Iterator[str]:
    """Add a seed's questions to their scores; yield each kind before it is scored."""
    if not cases:
        return
    planted = rows_of("business.csv")
    minutes = max((float(it["minutos"]) for it in planted.values()), default=0.0)
    simulation = Simulation(
        market, seed, BEGINS - HISTORY, BEGINS + timedelta(minutes=minutes), SCALE
    )

    @cache
    def asked(kind: str, subject: str) -> dict[str, Explanation]:
        if not kind:
            return _asked(market, simulation.usual, BEGINS)
        case = planted[kind]
        line = f"{kind}; {subject}; {case['tamano']}; 0; {case['minutos']}"
        incident = Plan.read(line, market).begun(BEGINS)
        end = BEGINS + timedelta(minutes=incident.minutos)
        return _asked(market, simulation.with_incident(incident), end)

    for name, case in cases.items():
        yield name
        kind, figure = case["incidente"], cast(Name, case["cifra"])
        subjects = planted[kind]["sujetos"].split("|") if kind else [""]
        subject = subjects[seed % len(subjects)]
        score = scores[name]
        for against, explanation in asked(kind, subject).items():
            explained = explanation.figures[figure]
            before = _before(explained, subject)
            score.runs += 1
            score.found += bool(kind) and before is not None and len(before) < FIRST
            others = explained.causes if before is None else before
            score.false += [f"{seed} {against}: {' '.join(it.subject.values())}" for it in others]


def _before(explained: Explained, subject: str) -> list[Cause] | None:
    """Return the causes before the planted one; None if it is not found.

    An incident of all sales is found if the number of sales is the reason.
    """
    if not subject:
        return [] if explained.reason == "volume" else None
    wanted = set(subject.split(" + "))
    ranks = [set(it.subject.values()) == wanted for it in explained.causes]
    return explained.causes[: ranks.index(True)] if True in ranks else None


def _asked(market: Market, events: Events, end: datetime) -> dict[str, Explanation]:
    filters = Filters(RANGE, end)
    current = filters.interval(end)
    by = comparisons(filters)
    spans = [current, *(current.shifted(-by[against]) for against in AGAINST)]
    masks = [(events.ts >= span.parameters[0]) & (events.ts < span.parameters[1]) for span in spans]
    druid = LocalDruid()
    druid.load(_records(market, events.only(np.logical_or.reduce(masks))))
    druid.now = epoch_ms(end)
    return {
        against: explain(cast(DruidClient, druid), DATASOURCE, filters, against, end, map)
        for against in AGAINST
    }


def _records(market: Market, events: Events) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the moment and the columns of each event that the queries read."""
    stores = [store.sucursal for store in market.stores]
    provinces = dict(zip(stores, values_of(market, market.stores, "provincia"), strict=True))
    names = events.names
    for ts, _, state, store, product, payment, issuer, platform, *amounts in zip(
        *(column.tolist() for column in events[2:]), strict=True
    ):
        units, importe, descuento, _ = amounts
        yield (
            ts,
            {
                "__time": ts,
                "estado": ESTADOS[state],
                "sucursal": names["store"][store],
                "provincia": provinces[names["store"][store]],
                "producto": names["product"][product],
                "categoria": names["category"][events.category_of[product]],
                "tipo_pago": names["payment"][payment],
                "emisor": names["issuer"][issuer],
                "plataforma": names["platform"][platform],
                "cantidad": units,
                "importe_centavos": importe,
                "descuento_centavos": descuento,
            },
        )
