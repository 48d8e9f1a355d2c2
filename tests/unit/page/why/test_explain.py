"""Explanations of small ranges of sales, whose SQL runs on SQLite."""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

import msgspec
import pytest

from commands.score.local_druid import LocalDruid
from include.druid.client import DruidClient
from include.page.filters import RANGES, Filters, parse_filters
from include.page.why.explain import Explanation, comparisons, explain, key_of
from include.page.why.figures import FIGURES, Name
from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from include.texts import InputError
from tests.support.findings import NOW, ms

SALES = 900
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(scope="module")
def sales() -> list[Venta]:
    """Sales of an hour, and of the same hour of the day before."""
    source = SaleSource(load_market(), 5, "por qué")
    starts = [NOW - DAY - HOUR, NOW - HOUR]
    return [
        event
        for n in range(2 * SALES)
        for event in source.chain(n, starts[n // SALES] + HOUR * 0.95 * (n % SALES) / SALES)
    ]


@pytest.fixture
def explained(sales: list[Venta]) -> Callable[..., Explanation]:
    """Function that explains the hour after a change of some of its sales; None leaves one out."""

    def ask(
        change: Callable[[Venta], Venta | None] = lambda sale: sale, **parameters: str
    ) -> Explanation:
        druid = LocalDruid()
        changed = (change(it) if ms(it) >= epoch_ms(NOW - HOUR) else it for it in sales)
        druid.load(
            (ms(it), {**msgspec.structs.asdict(it), "__time": ms(it)}) for it in changed if it
        )
        druid.now = epoch_ms(NOW + 60 * DAY)
        filters = parse_filters({"hasta": NOW.isoformat(), **parameters})
        return explain(cast(DruidClient, druid), "ventas", filters, "yesterday", NOW, map)

    return ask


def sides(explanation: Explanation, figure: Name) -> tuple[float, float]:
    """Return a figure now and before; both must be known."""
    found = explanation.figures[figure]
    assert found.now is not None
    assert found.before is not None
    return found.now, found.before


def refused(sale: Venta) -> Venta:
    if (sale.tipo_pago, sale.emisor, sale.estado) != ("credito", "Visa", "aprobada"):
        return sale
    return msgspec.structs.replace(sale, estado="rechazada", motivo="sin_cupo")


def dearer(sale: Venta) -> Venta:
    if sale.categoria != "Lácteos":
        return sale
    return msgspec.structs.replace(
        sale,
        precio_unitario_centavos=2 * sale.precio_unitario_centavos,
        descuento_centavos=2 * sale.descuento_centavos,
        importe_centavos=2 * sale.importe_centavos,
    )


def more_units(sale: Venta) -> Venta:
    if sale.categoria != "Lácteos":
        return sale
    return msgspec.structs.replace(
        sale,
        cantidad=2 * sale.cantidad,
        descuento_centavos=2 * sale.descuento_centavos,
        importe_centavos=2 * sale.importe_centavos,
    )


def silent(sale: Venta) -> Venta | None:
    return None if sale.plataforma == "web" else sale


def fewer(sale: Venta) -> Venta | None:
    return sale if sale.secuencia % 3 else None


VISA = {"pago": "credito", "emisor": "Visa"}


@pytest.mark.parametrize(
    ("change", "figure", "subject", "effect"),
    [
        (refused, "approval", VISA, "approval"),
        (refused, "income", VISA, "approval"),
        (dearer, "income", {"categoria": "Lácteos"}, "price"),
        (more_units, "income", {"categoria": "Lácteos"}, "units"),
        (silent, "sales", {"plataforma": "web"}, "mix"),
    ],
)
def test_planted_change_is_the_first_cause(
    explained: Callable[..., Explanation],
    change: Callable[[Venta], Venta | None],
    figure: Name,
    subject: dict[str, str],
    effect: str,
) -> None:
    found = explained(change)
    first = found.figures[figure].causes[0]
    assert (first.subject, first.effect) == (subject, effect)
    rises = change in (dearer, more_units)
    assert (first.contribution > 0) == rises
    assert key_of(subject) in found.queries


def test_fall_of_all_sales_is_no_values_contribution(
    explained: Callable[..., Explanation],
) -> None:
    found = explained(fewer)
    now, before = sides(found, "sales")
    assert now < 0.75 * before
    sales = found.figures["sales"]
    assert (sales.reason, sales.causes) == ("volume", [])


def test_unchanged_sales_have_no_cause(explained: Callable[..., Explanation]) -> None:
    figures = explained().figures
    assert [name for name in figures if figures[name].causes] == []


def test_effects_by_each_dimension_sum_to_the_change(
    explained: Callable[..., Explanation],
) -> None:
    found = explained(refused)
    for name, figure in found.figures.items():
        now, before = sides(found, name)
        for split in figure.splits:
            # Money and counts are whole: their sums are exact.
            change = now - before
            expected = change if isinstance(now, int) else pytest.approx(change, abs=1e-9)
            assert sum(split.effects.values()) == expected


def test_filters_select_the_sales_and_their_only_values_are_no_cause(
    explained: Callable[..., Explanation],
) -> None:
    found = explained(refused, pago="credito")
    causes = found.figures["approval"].causes
    assert causes[0].subject in ({"emisor": "Visa"}, VISA)
    assert {"pago": "credito"} not in [cause.subject for cause in causes]
    assert sides(found, "sales") < sides(explained(refused), "sales")


def test_empty_earlier_range_explains_nothing(sales: list[Venta]) -> None:
    druid = LocalDruid()
    druid.load((ms(it), {**msgspec.structs.asdict(it), "__time": ms(it)}) for it in sales)
    druid.now = epoch_ms(NOW + 60 * DAY)
    found = explain(cast(DruidClient, druid), "ventas", Filters(hasta=NOW), "week", NOW, map)
    assert sides(found, "sales")[0] > 0
    for figure in found.figures.values():
        assert (figure.reason, figure.splits, figure.causes) == ("", [], [])


def test_record_with_absurd_values_harms_no_answer(explained: Callable[..., Explanation]) -> None:
    def absurd(sale: Venta) -> Venta:
        return msgspec.structs.replace(
            sale, importe_centavos=-sale.importe_centavos, cantidad=0, producto=""
        )

    assert set(msgspec.json.decode(msgspec.json.encode(explained(absurd).figures))) == set(FIGURES)


def test_range_is_compared_only_with_earlier_ranges_that_do_not_overlap() -> None:
    names = {rango: [*comparisons(Filters(rango))] for rango in RANGES}
    assert names["1h"] == ["before", "yesterday", "week"]
    assert names["24h"] == ["before", "week"]
    assert names["7d"] == names["30d"] == ["before"]
    with pytest.raises(InputError, match="before"):
        explain(cast(DruidClient, None), "ventas", Filters("30d"), "week", NOW, map)
