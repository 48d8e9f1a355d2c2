"""The rules that the data files must satisfy together to form a market."""

import itertools
from functools import partial

from include.sales.calendar_tables import DIAS
from include.sales.event import TIPOS_PAGO, TIPOS_PAGO_CON_EMISOR
from include.sales.incident_tables import EFFECTS, SUBJECT_COLUMNS, Effect, IncidentKind
from include.sales.lifecycle_tables import ONLINE_REFUND_DAYS
from include.sales.rules import Rules
from include.sales.tables import CHANNELS, Share


def check(rules: Rules) -> None:
    """Check every rule; `rules.problems` collects the violations."""
    _names(rules)
    _references(rules)
    _shares(rules)
    _lines(rules)
    _calendar(rules)
    _instalments(rules)
    _lifecycle(rules)
    _incidents(rules)


def _names(rules: Rules) -> None:
    rules.unique("provinces", "provincia")
    for column in ("id", "sucursal"):
        rules.unique("stores", column)
    for column in ("sku", "producto"):
        rules.unique("products", column)
    rules.unique("categories", "categoria")
    rules.unique("amount_bands", "tramo")
    rules.unique("amount_bands", "desde")
    rules.unique("payment_amounts", "tipo_pago", "tramo")
    rules.unique("instalment_amounts", "cuotas", "tramo")
    rules.unique("rejection_factors", "emisor", "tramo")
    rules.unique("seasons", "temporada", "mes")
    rules.unique("hours", "canal", "dia", "hora")
    rules.unique("weekdays", "canal", "weekday")
    rules.unique("holidays", "canal")
    rules.unique("province_holidays", "province", "fecha")


def _references(rules: Rules) -> None:
    rules.refers("stores", "province", "provinces", "code")
    rules.refers("issuers", "province", "provinces", "code")
    rules.refers("province_holidays", "province", "provinces", "code")
    rules.refers("products", "categoria", "categories", "categoria")
    rules.refers("products", "temporada", "seasons", "temporada")
    rules.refers("products", "horario", "schedules", "horario")
    for name in (
        "categories",
        "platforms",
        "payments",
        "instalments",
        "baskets",
        "discounts",
        "promotions",
        "events",
        "recurring",
    ):
        rules.refers(name, "grupo", "groups", "grupo")
    for name in ("promotions", "rejection_factors"):
        rules.refers(name, "emisor", "issuers", "emisor")
    for name in ("payment_amounts", "instalment_amounts", "rejection_factors"):
        rules.refers(name, "tramo", "amount_bands", "tramo")
    rules.each("provinces", "code", "stores", "province")
    rules.each("categories", "categoria", "products", "categoria")


def _shares(rules: Rules) -> None:
    for name, row_type in rules.row_types.items():
        if issubclass(row_type, Share):
            rules.shares(name)
    groups = [row.grupo for row in rules.rows("groups")]
    for name in ("categories", "platforms", "discounts"):
        rules.covers(name, [(grupo,) for grupo in groups], also="groups")
    for name in ("payments", "instalments"):
        rules.covers(name, itertools.product(CHANNELS, groups), also="groups")
    rules.covers("issuers", [(tipo, "") for tipo in TIPOS_PAGO_CON_EMISOR])
    rules.covers("outcomes", [(tipo,) for tipo in TIPOS_PAGO])
    rejected = [row for row in rules.rows("outcomes") if row.estado == "rechazada" and row.share]
    rules.covers("rejections", [row.condition for row in rejected], also="outcomes")


def _lines(rules: Rules) -> None:
    rules.lines("products", lambda row: row.precio_centavos > 0, "precio must be above 0")
    rules.lines(
        "stores",
        lambda row: row.cuit_is_valid,
        "the check digit of cuit, its last one, is wrong",
    )
    rules.lines(
        "stores",
        lambda row: any(row.is_open(dia, hour) for dia in DIAS for hour in range(24)),
        "the store never opens: write the hours of at least one day, such as 9-21",
    )
    rules.lines(
        "issuers",
        lambda row: row.tipo_pago in TIPOS_PAGO_CON_EMISOR,
        f"emisor is only for the tipo_pago {', '.join(TIPOS_PAGO_CON_EMISOR)}",
    )
    rules.lines(
        "promotions",
        lambda row: not row.emisor or row.tipo_pago in TIPOS_PAGO_CON_EMISOR,
        f"emisor is only for the tipo_pago {', '.join(TIPOS_PAGO_CON_EMISOR)}",
    )
    rules.lines(
        "outcomes",
        lambda row: row.estado != "rechazada" or row.share < 100,
        "a tipo_pago cannot always be rejected: remove its lines from payments.csv instead",
    )
    rules.some(
        "platforms",
        lambda row: row.plataforma != "local" and row.share > 0,
        "no platform sells online: a run needs one to sell while its stores are closed",
    )
    rules.some(
        "amount_bands", lambda row: row.desde == 0, "no band begins at 0 pesos: one needs desde 0"
    )


def _calendar(rules: Rules) -> None:
    rules.complete("hours", ("canal", "dia", "hora"), (CHANNELS, DIAS, range(24)))
    rules.complete("weekdays", ("canal", "weekday"), (CHANNELS, range(7)))
    rules.complete("holidays", ("canal",), (CHANNELS,))
    for name in (
        "schedules",
        "baskets",
        "events",
        "recurring",
        "promotions",
        "instalment_programmes",
    ):
        rules.lines(
            name,
            lambda row: None in (row.desde, row.hasta) or row.desde <= row.hasta,
            "desde is after hasta",
        )


def _instalments(rules: Rules) -> None:
    if "instalment_programmes" in rules.broken:
        return
    offered = {1} | {row.cuotas for row in rules.rows("instalment_programmes") if not row.hasta}
    rules.lines(
        "instalments",
        lambda row: row.cuotas in offered,
        "no current programme in instalment_programmes.csv offers this number of cuotas",
    )
    rules.refers("instalment_amounts", "cuotas", "instalments", "cuotas")


def _lifecycle(rules: Rules) -> None:
    rules.unique("decisions", "tipo_pago")
    rules.covers("decisions", [(tipo,) for tipo in TIPOS_PAGO])
    rules.covers("returns", itertools.product(CHANNELS, TIPOS_PAGO))
    rules.lines(
        "decisions",
        lambda row: row.desde_segundos <= row.hasta_segundos,
        "desde_segundos is after hasta_segundos",
    )
    rules.lines(
        "returns", lambda row: row.desde_dias <= row.hasta_dias, "desde_dias is after hasta_dias"
    )
    rules.lines(
        "returns",
        lambda row: (
            (row.canal, row.estado) != ("online", "reembolsada")
            or row.hasta_dias <= ONLINE_REFUND_DAYS
        ),
        f"hasta_dias of an online refund is at most {ONLINE_REFUND_DAYS} (Ley 24.240 Art. 34)",
    )


def _incidents(rules: Rules) -> None:
    rules.unique("incidents", "incidente")
    rules.lines(
        "incidents",
        lambda row: set(row.fields) <= set(SUBJECT_COLUMNS),
        f"sujetos may name {', '.join(SUBJECT_COLUMNS)}",
    )
    rules.lines("incidents", lambda row: row.tamano <= row.maximo, "tamano is above maximo")
    rules.lines(
        "incidents",
        lambda row: any(row.change(effect, row.maximo) for effect in EFFECTS),
        "the incident changes nothing: write a number in a column of an effect",
    )
    rules.lines(
        "incidents",
        lambda row: row.fields or row.ventas <= 0,
        "an incident without sujetos cannot add sales: others would have to buy less",
    )
    for effect in EFFECTS:
        rules.lines(
            "incidents",
            partial(_allowed, effect),
            f"{effect.name} × maximo must be from {effect.least} to {effect.most} percent",
        )


def _allowed(effect: Effect, row: IncidentKind) -> bool:
    return effect.least <= row.change(effect, row.maximo) <= effect.most
