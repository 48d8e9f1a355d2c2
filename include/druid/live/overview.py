"""Everything that the page «Ventas en vivo» shows of one stretch of time, asked at once."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from include.druid.client import DruidClient
from include.druid.live.events import Codes, Events, Rows
from include.druid.live.filters import Filters, Interval, floor_local
from include.druid.live.measures import Measures, measures_by, total
from include.druid.queries import read_query
from include.sales.local_time import epoch_ms

T = TypeVar("T")

SHOWN: Final = 12
"""Products and stores in a list."""

FEWEST: Final = 8
"""Sales of a product, in both stretches together, before it is said to rise or to fall."""

TIMEOUT: Final = 10.0
"""Seconds that Druid may take for one of the queries."""

LATEST: Final = 25
"""Events in the list of the latest."""

MOST_EVENTS: Final = 40_000
"""Events of an hour that are read one by one; of more, Druid is asked for sums by each viewer."""

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "series": ("estado",),
    "payments": ("tipo_pago", "emisor", "cuotas", "estado"),
    "places": ("provincia", "sucursal", "plataforma", "estado"),
    "products": ("categoria", "producto", "estado"),
}
"""What the queries of these names group by; the series by its points too."""

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Once(Generic[T]):
    """Answers of which each is asked for once; those not asked for longest go first.

    A failure is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._asked: dict[Hashable, Future[T]] = {}

    def ask(self, key: Hashable, ask: Callable[[], "Future[T]"]) -> "Future[T]":
        """The answer that is there or under way, or else that of `ask`."""
        with self._lock:
            found = self._asked.pop(key, None)
            if found is None or (found.done() and found.exception()):
                found = ask()
            self._asked[key] = found
            while len(self._asked) > self._most:
                del self._asked[next(iter(self._asked))]
            return found


class Memory:
    """What looks share: what a look is compared with, and the events of the last hour.

    The stretches that a look is compared with begin and end at whole minutes, so a page that looks
    each second asks for them once a minute.
    """

    def __init__(self) -> None:
        self.past: Once[Rows] = Once(200)
        self.events: Once[Events | None] = Once(6)
        self.recent: Once[Events] = Once(4)
        self.codes = Codes()


def overview(
    druid: DruidClient,
    datasource: str,
    filters: Filters,
    now: datetime,
    executor: Executor,
    memory: Memory,
) -> dict[str, Any]:
    """What the page shows, ready for JSON: money in centavos, moments in epoch milliseconds.

    `punto` is the length of a chart's point in seconds, and `origen` where one of them begins.
    The queries run beside one another on `executor`.

    Raises:
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, not in time, or refuses.
    """
    current = filters.interval(now)
    before = _to_the_minute(current.shifted(-filters.range.length))
    yesterday = _to_the_minute(current.shifted(-_DAY)) if filters.range.day_before else None
    bucket = filters.range.bucket
    where, values = filters.where()

    def run(name: str, interval: Interval, **words: str) -> Rows:
        text = read_query(f"live/{name}", datasource)
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        known = values if "{where}" in text else []
        text = text.replace("{where}", where)
        return druid.sql(text, [*interval.parameters, *known], timeout=TIMEOUT)

    def ask(name: str, interval: Interval, **words: str) -> "Future[Rows]":
        return executor.submit(run, name, interval, **words)

    def ask_once(name: str, interval: Interval) -> "Future[Rows]":
        return memory.past.ask((name, interval, filters.values), lambda: ask(name, interval))

    def read(interval: Interval) -> Events | None:
        rows = run("events", interval, most=str(MOST_EVENTS))
        return memory.codes.encode(rows) if len(rows) < MOST_EVENTS else None

    def read_once(interval: Interval) -> "Future[Events | None]":
        return memory.events.ask(interval, lambda: executor.submit(read, interval))

    products_before = ask_once("products", before)
    states_yesterday = ask_once("states", yesterday) if yesterday else None
    events = _recent(current, read_once, memory) if filters.is_live else None
    if events:
        found = events.where(memory.codes, filters.columns)
        series = found.grouped(GROUPS["series"], bucket)
        payments, places, products = (
            found.grouped(GROUPS[name]) for name in ("payments", "places", "products")
        )
        latest = found.latest(LATEST)
    else:
        asked = [
            ask("series", current, period=_iso_period(bucket)),
            *(ask(name, current) for name in ("payments", "places", "products", "latest")),
        ]
        series, payments, places, products, latest = (answer.result() for answer in asked)
    points = measures_by(
        series, lambda row: floor_local(datetime.fromisoformat(row["momento"]), bucket)
    )
    return {
        "desde": current.parameters[0],
        "hasta": current.parameters[1],
        "punto": round(bucket.total_seconds()),
        "origen": epoch_ms(floor_local(current.end, bucket)),
        "totales": {
            "actual": total(series)._asdict(),
            "antes": total(products_before.result())._asdict(),
            "ayer": total(states_yesterday.result())._asdict() if states_yesterday else None,
        },
        "serie": [{"momento": epoch_ms(at), **points[at]._asdict()} for at in sorted(points)],
        **_payments(payments),
        **_places(places),
        **_products(products, products_before.result()),
        "ultimas": latest,
    }


def _recent(
    interval: Interval, read: Callable[[Interval], "Future[Events | None]"], memory: Memory
) -> Events | None:
    """All events of a stretch that ends now, whatever the filters; None if they are too many.

    Those of whole minutes are read once a minute, and those since the last but one minute began at
    each look: a sale that comes later than that is there within a minute.
    """
    whole = _to_the_minute(interval)
    since = whole.end - _MINUTE
    parts = [read(Interval(whole.start, since)), read(Interval(since, interval.end))]
    earlier, later = (part.result() for part in parts)
    if earlier is None or later is None:
        return None
    return memory.recent.ask(
        interval, lambda: _done((earlier + later).between(*interval.parameters))
    ).result()


def _done(answer: T) -> "Future[T]":
    future: Future[T] = Future()
    future.set_result(answer)
    return future


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


def _to_the_minute(interval: Interval) -> Interval:
    return Interval(floor_local(interval.start, _MINUTE), floor_local(interval.end, _MINUTE))


def _iso_period(bucket: timedelta) -> str:
    """Druid's name of a point's length; days are the stores', and are made of hours."""
    minutes = min(bucket, timedelta(hours=1)) // timedelta(minutes=1)
    return f"PT{minutes}M" if minutes < 60 else "PT1H"
