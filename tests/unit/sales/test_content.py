import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.content import SaleSource
from include.sales.draws import BLOCK, MAX_SEED
from include.sales.event import TIPOS_PAGO_CON_EMISOR, Venta, encode, iva_incluido
from include.sales.local_time import epoch_ms
from include.sales.market import Market, load_market

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
MARKET = load_market()
SOURCE = SaleSource(MARKET, seed=7, corrida="una")


def sale(n: int, seed: int = 7, corrida: str = "una", stores: Sequence[str] = ()) -> Venta:
    """Event n of a source that has read nothing before."""
    return SaleSource(MARKET, seed, corrida, stores).sale(n, NOON)


def content(venta: Venta) -> dict[str, object]:
    """What depends on seed, n and the hour alone."""
    fields = msgspec.to_builtins(venta)
    return {k: v for k, v in fields.items() if k not in {"id_evento", "id_venta", "corrida", "ts"}}


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_an_event_does_not_depend_on_what_was_read_before(first: int, second: int) -> None:
    SOURCE.sale(first, NOON)
    assert SOURCE.sale(second, NOON) == sale(second)


@pytest.mark.parametrize("border", [BLOCK, 2 * BLOCK])
def test_events_around_a_block_border_are_the_same_in_any_order(border: int) -> None:
    numbers = range(border - 3, border + 3)
    forwards = [SOURCE.sale(n, NOON) for n in numbers]
    backwards = [SOURCE.sale(n, NOON) for n in reversed(numbers)]
    assert forwards == backwards[::-1] == [sale(n) for n in numbers]
    assert len({encode(venta) for venta in forwards}) == len(numbers)


def test_only_time_ids_and_run_change_with_run_and_clock_within_an_hour() -> None:
    within = timedelta(minutes=59, seconds=59, milliseconds=999)
    later = SaleSource(MARKET, seed=7, corrida="otra").sale(5, NOON + within)
    assert content(later) == content(sale(5))
    assert later.ts == "2026-11-24T15:59:59.999Z"
    assert later.corrida == "otra"
    assert {later.id_evento, later.id_venta}.isdisjoint({sale(5).id_evento, sale(5).id_venta})


@given(
    st.lists(st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)), min_size=1, max_size=5),
    st.integers(0, 10**9),
)
def test_rows_of_a_block_depend_each_on_its_own_hour(moments: list[datetime], block: int) -> None:
    """Whatever the hours of the others: so a block may be cut, padded and shared out."""
    ts = [epoch_ms(moment.replace(tzinfo=UTC)) for moment in moments]
    mixed = SOURCE.columns(block, np.resize(np.array(ts), BLOCK))
    for position, moment in enumerate(ts):
        alone = SOURCE.columns(block, np.full(BLOCK, moment))
        for one, other in zip(mixed, alone, strict=True):
            assert one[position] == other[position]


def test_columns_are_the_sales(many_sales: Sequence[Venta]) -> None:
    source = SaleSource(MARKET, seed=7, corrida="muchas")
    columns = source.columns(1, np.full(BLOCK, epoch_ms(NOON)))
    for row, v in enumerate(many_sales[BLOCK : 2 * BLOCK]):
        assert v.sucursal == source.stores[columns.store[row]].sucursal
        assert v.sku == source.products[columns.product[row]].sku
        assert v.emisor == source.issuers[columns.issuer[row]]
        assert v.motivo == source.reasons[columns.reason[row]]
        assert v.importe_centavos == columns.importe_centavos[row]


@given(st.integers(0, MAX_SEED), st.integers(0, MAX_SEED))
def test_seeds_sell_differently(one: int, other: int) -> None:
    first, second = (SaleSource(MARKET, seed, "una") for seed in (one, other))
    sales = [[content(source.sale(n, NOON)) for n in range(20)] for source in (first, second)]
    assert (sales[0] == sales[1]) == (one == other)


def test_ids_are_unique_within_and_across_runs() -> None:
    runs = [SaleSource(MARKET, 7, corrida) for corrida in ("una", "otra", "tercera")]
    sales = [source.sale(n, NOON) for source in runs for n in range(BLOCK + 10)]
    ids = {venta.id_evento for venta in sales} | {venta.id_venta for venta in sales}
    assert len(ids) == 2 * len(sales)


def test_some_stores_sell_the_same_as_all_but_where() -> None:
    some = ["palermo", "ushuaia"]
    source = SaleSource(MARKET, 7, "una", some)
    sales = [source.sale(n, NOON) for n in range(300)]
    assert {venta.sucursal for venta in sales} == {"Palermo", "Ushuaia"}
    for venta in sales:
        there, everywhere = content(venta), content(SOURCE.sale(venta.secuencia, NOON))
        # The wallets and cards of a province follow its stores, and on them depend the
        # promotion and whether it is approved.
        for field in (
            *("sucursal", "ciudad", "provincia", "emisor", "estado", "motivo"),
            *("descuento_centavos", "importe_centavos", "iva_centavos"),
        ):
            del there[field], everywhere[field]
        assert there == everywhere


def test_the_order_in_which_stores_are_asked_does_not_matter() -> None:
    asked = ["ushuaia", "palermo", "rosario-centro"]
    assert [sale(n, stores=asked) for n in range(5)] == [
        sale(n, stores=[*asked[::-1], "palermo"]) for n in range(5)
    ]


def test_unknown_stores_are_all_named_with_those_they_resemble() -> None:
    with pytest.raises(ValueError, match=r"'cordoba-cntro' \(similar: cordoba-centro.*'xyzzy'"):
        sale(0, stores=["cordoba-cntro", "palermo", "xyzzy"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must be between 0 and"),
        ({"seed": MAX_SEED + 1}, "seed must be between 0 and"),
        ({"corrida": ""}, "corrida is empty"),
        ({"n": -1}, "numbered from 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sale(**({"n": 0} | arguments))  # type: ignore[arg-type]


def test_money_and_payment_hold_together(many_sales: Sequence[Venta]) -> None:
    for v in many_sales:
        assert v.importe_centavos == (
            v.cantidad * v.precio_unitario_centavos - v.descuento_centavos
        )
        assert v.importe_centavos > 0
        assert v.iva_centavos == iva_incluido(v.importe_centavos, v.alicuota_iva)
        assert v.cuotas == 1 or v.tipo_pago == "credito"
        assert (v.emisor != "") == (v.tipo_pago in TIPOS_PAGO_CON_EMISOR)
        assert (v.motivo != "") == (v.estado == "rechazada")
        assert v.tipo_pago != "efectivo" or v.estado == "aprobada"
        assert v.estado != "pendiente" or v.tipo_pago == "transferencia"


def test_products_and_stores_are_those_of_the_market(
    market: Market, many_sales: Sequence[Venta]
) -> None:
    provinces = {row.code: row.provincia for row in market.provinces}
    stores = {(s.sucursal, s.ciudad, provinces[s.province]) for s in market.stores}
    assert {(v.sucursal, v.ciudad, v.provincia) for v in many_sales} == stores
    products = {
        (p.sku, p.producto, p.categoria, p.precio_centavos, p.alicuota_iva) for p in market.products
    }
    assert {
        (v.sku, v.producto, v.categoria, v.precio_unitario_centavos, v.alicuota_iva)
        for v in many_sales
    } <= products
    most = {row.categoria: row.max_units for row in market.categories}
    assert all(v.cantidad <= most[v.categoria] for v in many_sales)


def test_content_is_what_it_has_always_been(market: Market) -> None:
    golden = json.loads((Path(__file__).parent / "golden.json").read_text())
    source = SaleSource(market, golden["seed"], golden["corrida"])
    ts = datetime.fromisoformat(golden["ts"])
    data = b"\n".join(encode(source.sale(n, ts)) for n in range(golden["events"]))
    found = hashlib.sha256(data).hexdigest()
    assert found == golden["sha256"], (
        "every seed now sells something else; if data or draws were changed on purpose, "
        f"put the new value into golden.json: {found}"
    )


def test_an_event_takes_at_most_fifty_microseconds() -> None:
    source = SaleSource(MARKET, seed=7, corrida="una")
    events = 2 * BLOCK
    start = time.process_time()
    for n in range(events):
        source.sale(n, NOON)
    assert (time.process_time() - start) / events < 50e-6
