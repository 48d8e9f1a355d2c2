"""Everything that the page «Ventas en vivo» shows of one stretch of time, asked at once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import Any, Final

from include.druid.client import DruidClient
from include.druid.live.filters import Filters, Interval, floor_local
from include.druid.live.measures import Measures, measures_by, total
from include.druid.queries import read_query
from include.sales.local_time import epoch_ms

Rows = list[dict[str, Any]]
Ask = Callable[..., "Future[Rows]"]
"""Takes a query's name and the stretch it is about; asks Druid beside the other queries."""

SHOWN: Final = 12
"""Products and stores in a list."""

FEWEST: Final = 8
"""Sales of a product, in both stretches together, before it is said to rise or to fall."""

TIMEOUT: Final = 10.0
"""Seconds that Druid may take for one of the queries."""

_DAY = timedelta(days=1)


def overview(
    druid: DruidClient, datasource: str, filters: Filters, now: datetime, executor: Executor
) -> dict[str, Any]:
    """What the page shows, ready for JSON: money in centavos, moments in epoch milliseconds.

    `punto` is the length of a chart's point in seconds, and `origen` where one of them begins.
    The queries run beside one another on `executor`.

    Raises:
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, not in time, or refuses.
    """
    current = filters.interval(now)
    before = current.shifted(-filters.range.length)
    yesterday = current.shifted(-_DAY) if filters.range.day_before else None
    where, values = filters.where()

    def ask(name: str, interval: Interval, **words: str) -> "Future[Rows]":
        text = read_query(f"live/{name}", datasource).replace("{where}", where)
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        parameters: list[bool | int | float | str] = [*interval.parameters, *values]
        return executor.submit(druid.sql, text, parameters, timeout=TIMEOUT)

    series = ask("series", current, period=_iso_period(filters.range.bucket))
    states_before = ask("states", before)
    states_yesterday = ask("states", yesterday) if yesterday else None
    payments, places = ask("payments", current), ask("places", current)
    products, products_before = ask("products", current), ask("products", before)
    latest = ask("latest", current)

    bucket = filters.range.bucket
    points = measures_by(
        series.result(), lambda row: floor_local(datetime.fromisoformat(row["momento"]), bucket)
    )
    return {
        "desde": current.parameters[0],
        "hasta": current.parameters[1],
        "punto": round(bucket.total_seconds()),
        "origen": epoch_ms(floor_local(current.end, bucket)),
        "totales": {
            "actual": total(series.result())._asdict(),
            "antes": total(states_before.result())._asdict(),
            "ayer": total(states_yesterday.result())._asdict() if states_yesterday else None,
        },
        "serie": [{"momento": epoch_ms(at), **points[at]._asdict()} for at in sorted(points)],
        **_payments(payments.result()),
        **_places(places.result()),
        **_products(products.result(), products_before.result()),
        "ultimas": latest.result(),
    }


def _payments(rows: Rows) -> dict[str, Any]:
    with_issuer = [row for row in rows if row["emisor"]]
    by_issuer = measures_by(with_issuer, lambda row: (row["tipo_pago"], row["emisor"]))
    return {
        "pagos": _listed(measures_by(rows, lambda row: row["tipo_pago"])),
        "emisores": [
            {"pago": kind, "nombre": issuer, **found._asdict()}
            for (kind, issuer), found in _largest(by_issuer)
        ],
        "cuotas": sorted(
            _listed(
                measures_by(
                    (row for row in rows if row["tipo_pago"] == "credito"),
                    lambda row: row["cuotas"],
                )
            ),
            key=lambda row: int(row["nombre"]),
        ),
    }


def _places(rows: Rows) -> dict[str, Any]:
    return {
        "plataformas": _listed(measures_by(rows, lambda row: row["plataforma"])),
        "provincias": _listed(measures_by(rows, lambda row: row["provincia"])),
        "sucursales": _listed(measures_by(rows, lambda row: row["sucursal"]))[:SHOWN],
    }


def _products(rows: Rows, rows_before: Rows) -> dict[str, Any]:
    now = measures_by(rows, lambda row: row["producto"])
    before = measures_by(rows_before, lambda row: row["producto"])
    changes = changed(
        {name: found.ventas for name, found in now.items()},
        {name: found.ventas for name, found in before.items()},
    )
    return {
        "categorias": _listed(measures_by(rows, lambda row: row["categoria"])),
        "productos": _listed(now)[:SHOWN],
        "suben": [change for change in changes if change["ventas"] > change["antes"]][:6],
        "bajan": [change for change in reversed(changes) if change["ventas"] < change["antes"]][:6],
    }


def changed(now: Mapping[str, int], before: Mapping[str, int]) -> list[dict[str, Any]]:
    """Products by how much their sales changed for their size, those that rose most first.

    The measure is the difference of two Poisson counts in standard deviations, (a - b)/√(a + b):
    of 4 sales against 2 little is to be learnt, of 400 against 200 much. It puts in order; what is
    beyond chance is for the findings to say.
    """
    names = [
        name
        for name in now.keys() | before.keys()
        if now.get(name, 0) + before.get(name, 0) >= FEWEST
    ]

    def strength(name: str) -> float:
        a, b = now.get(name, 0), before.get(name, 0)
        return float((a - b) / (a + b) ** 0.5)

    if not before:
        return []
    return [
        {"nombre": name, "ventas": now.get(name, 0), "antes": before.get(name, 0)}
        for name in sorted(names, key=lambda name: (-strength(name), name))
    ]


def _listed(found: Mapping[Any, Measures]) -> list[dict[str, Any]]:
    return [{"nombre": name, **measured._asdict()} for name, measured in _largest(found)]


def _largest(found: Mapping[Any, Measures]) -> Sequence[tuple[Any, Measures]]:
    return sorted(found.items(), key=lambda item: (-item[1].ventas, -item[1].aprobadas, str(item)))


def _iso_period(bucket: timedelta) -> str:
    """Druid's name of a point's length; days are the stores', and are made of hours."""
    minutes = min(bucket, timedelta(hours=1)) // timedelta(minutes=1)
    return f"PT{minutes}M" if minutes < 60 else "PT1H"
