"""The market that is simulated: where, what, how and by whom is bought.

It is read from the folder `data/`, a CSV file a table (`tables.py` says what their columns are),
and checked as a whole: a mistake is told with all the others, each with its file and line.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from include.sales import tables
from include.sales.event import TIPOS_PAGO, TIPOS_PAGO_CON_EMISOR
from include.sales.reading import Problem
from include.sales.rules import Rules

DATA: Final = Path(__file__).parent / "data"


class MarketError(ValueError):
    """The data files hold mistakes; `problems` has them all, by file and line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        count = f"{len(self.problems)} mistake{'s' if len(self.problems) > 1 else ''}"
        super().__init__("\n  ".join((f"{count} in the market's data:", *map(str, self.problems))))


@dataclass(frozen=True)
class Market:
    """The tables of the data folder; each attribute is the CSV file of that name."""

    provinces: tuple[tables.Province, ...]
    stores: tuple[tables.Store, ...]
    groups: tuple[tables.Group, ...]
    categories: tuple[tables.Category, ...]
    products: tuple[tables.Product, ...]
    platforms: tuple[tables.PlatformShare, ...]
    payments: tuple[tables.PaymentShare, ...]
    issuers: tuple[tables.IssuerShare, ...]
    instalments: tuple[tables.InstalmentShare, ...]
    instalment_programmes: tuple[tables.Programme, ...]
    outcomes: tuple[tables.OutcomeShare, ...]
    rejections: tuple[tables.RejectionShare, ...]
    discounts: tuple[tables.DiscountShare, ...]


def load_market(folder: Path = DATA) -> Market:
    """Read and check the data files of a folder.

    Raises `MarketError` with every mistake found.
    """
    row_types = {name: get_args(kind)[0] for name, kind in Market.__annotations__.items()}
    rules = Rules(folder, row_types)
    _check(rules)
    if rules.problems:
        raise MarketError(rules.problems)
    return Market(**{name: tuple(rules.rows(name)) for name in row_types})


def _check(rules: Rules) -> None:
    rules.unique("provinces", "provincia")
    for column in ("id", "sucursal"):
        rules.unique("stores", column)
    for column in ("sku", "producto"):
        rules.unique("products", column)
    rules.unique("categories", "categoria")

    rules.refers("stores", "province", "provinces", "code")
    rules.refers("issuers", "province", "provinces", "code")
    rules.refers("products", "categoria", "categories", "categoria")
    for name in ("categories", "platforms", "payments", "instalments", "discounts"):
        rules.refers(name, "grupo", "groups", "grupo")

    rules.each("provinces", "code", "stores", "province")
    rules.each("categories", "categoria", "products", "categoria")
    for name, row_type in rules.row_types.items():
        if issubclass(row_type, tables.Share):
            rules.shares(name)
    groups = [row.grupo for row in rules.rows("groups")]
    for name in ("categories", "platforms", "discounts"):
        rules.covers(name, [(grupo,) for grupo in groups], also="groups")
    for name in ("payments", "instalments"):
        channels = get_args(tables.Canal)
        rules.covers(name, itertools.product(channels, groups), also="groups")
    rules.covers("issuers", [(tipo, "") for tipo in TIPOS_PAGO_CON_EMISOR])
    rules.covers("outcomes", [(tipo,) for tipo in TIPOS_PAGO])
    rejected = [row for row in rules.rows("outcomes") if row.estado == "rechazada" and row.share]
    rules.covers("rejections", [row.condition for row in rejected], also="outcomes")

    rules.lines("products", lambda row: row.precio_centavos > 0, "precio must be more than 0")
    rules.lines(
        "issuers",
        lambda row: row.tipo_pago in TIPOS_PAGO_CON_EMISOR,
        f"only {', '.join(TIPOS_PAGO_CON_EMISOR)} have an emisor",
    )
    rules.lines(
        "outcomes",
        lambda row: row.estado != "rechazada" or row.share < 100,
        "a tipo_pago cannot be rejected always; take it out of payments.csv instead",
    )
    rules.lines(
        "instalment_programmes",
        lambda row: None in (row.desde, row.hasta) or row.desde <= row.hasta,
        "desde is after hasta",
    )
    if "instalment_programmes" not in rules.broken:
        programmes = rules.rows("instalment_programmes")
        offered = {1} | {row.cuotas for row in programmes if row.hasta is None}
        rules.lines(
            "instalments",
            lambda row: row.cuotas in offered,
            "no programme of instalment_programmes.csv in force offers so many cuotas",
        )
