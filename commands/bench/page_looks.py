"""Looks of simulated viewers at the live page: ranges, filters, and pauses between looks."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Final, NamedTuple

from include.sales.event import PLATAFORMAS, TIPOS_PAGO
from include.sales.market import load_market
from include.stack.settings import ROOT

VIEW: Final = ROOT / "plugins/ventas_airflow/page/static/views/live.js"
"""The view's script, which has the pauses between two looks."""


class Look(NamedTuple):
    """A viewer's choice: a range, and filters as pairs of name and value, as in the address."""

    rango: str
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        return {"rango": self.rango, **dict(self.filters)}


VISITS: Final = (
    Look("1h"),
    Look("1h", (("provincia", "Córdoba"),)),
    Look("15m"),
    Look("6h"),
    Look("1h", (("pago", "credito"),)),
    Look("24h", (("plataforma", "app"),)),
    Look("15m", (("provincia", "Buenos Aires"), ("pago", "debito"))),
    Look("1h"),
    Look("7d"),
    Look("1h", (("categoria", "Almacén"),)),
    Look("15m", (("categoria", "Bebidas"), ("plataforma", "local"))),
    Look("30d", (("provincia", "Mendoza"),)),
)
"""Looks of the single viewer, in order, each for the same time: 8 of 12 are live, 7 filtered."""

PROBES: Final = (
    (),
    (("provincia", "Salta"),),
    (("categoria", "Lácteos"),),
    (("pago", "qr"), ("plataforma", "app")),
    (("provincia", "Santa Fe"), ("pago", "debito")),
)
"""Filters with which each range is looked at twice, for the first look and a repeated one."""

SPLITS: Final = tuple(
    tuple((name, value) for name, _, value in (it.partition("=") for it in line.split()))
    for line in (
        "medida=ventas por=categoria",
        "medida=facturacion por=producto contra=anterior",
        "medida=aprobacion por=emisor",
        "medida=ticket por=tiempo contra=semana",
        "medida=descuento por=sucursal y=pago",
        "medida=unidades por=producto y=provincia",
        "medida=devoluciones por=categoria contra=semana",
        "medida=facturacion por=hora_del_dia y=dia_de_semana contra=anterior",
        "medida=ventas por=dia y=plataforma contra=anterior",
        "medida=facturacion por=producto y=tiempo provincia=Mendoza",
    )
)
"""Splits of «Explorar», as pairs of name and value: each is asked for with each range."""

_SHARES: Final = {"15m": 15, "1h": 25, "6h": 4, "24h": 4, "7d": 1, "30d": 1}
"""Number of viewers of each range, out of fifty at once."""


def viewers(count: int) -> list[Look]:
    """Return the looks of `count` viewers at once, each with different filters."""
    ranges = [rango for rango, share in _SHARES.items() for _ in range(share)]
    # Mixed, so that a smaller number of viewers has about the same shares.
    spread = cycle(ranges[position * 7 % len(ranges)] for position in range(len(ranges)))
    both = zip(spread, _filters(), strict=False)
    return [Look(rango, filters) for rango, filters in islice(both, count)]


def _filters() -> Iterator[tuple[tuple[str, str], ...]]:
    market = load_market()
    yield ()
    provinces = sorted(row.provincia for row in market.provinces)
    yield from ((("provincia", name),) for name in provinces)
    yield from ((("pago", name),) for name in TIPOS_PAGO)
    yield from ((("plataforma", name),) for name in PLATAFORMAS)
    yield from ((("categoria", row.categoria),) for row in market.categories)
    yield from ((("provincia", name), ("pago", "debito")) for name in provinces)


class Pauses(NamedTuple):
    """Seconds that the page waits between two looks."""

    looks: Mapping[str, float]
    """For the sales, by range."""
    findings: float
    """For the findings: unusual things in the sales."""


def pauses(view: Path = VIEW) -> Pauses:
    """Return the pauses of the page's script.

    Raises `ValueError` if the script does not have them in the expected form.
    """
    text = view.read_text(encoding="utf-8")
    looks = re.search(r"^const PAUSE = (\{.*?\});$", text, re.M)
    findings = re.search(r"^const FINDINGS_PAUSE = (\d+);$", text, re.M)
    if not looks or not findings:
        raise ValueError(f"{view.name} must set PAUSE and FINDINGS_PAUSE, each in one line")
    milliseconds_by_range: dict[str, int] = json.loads(looks[1])
    return Pauses(
        {rango: milliseconds / 1000 for rango, milliseconds in milliseconds_by_range.items()},
        int(findings[1]) / 1000,
    )
