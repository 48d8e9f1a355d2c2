from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import golden
from include.sales.content import SaleSource, UnknownStoresError, customer_id
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, TIPOS_PAGO_CON_EMISOR, Venta, encode, iva_incluido
from include.sales.limits import MAX_SEED
from include.sales.local_time import epoch_ms
from include.sales.market import Market, load_market
from include.sales.random_numbers import BLOCK, Ints

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
MARKET = load_market()
SOURCE = SaleSource(MARKET, seed=7, corrida="una")


@pytest.fixture(scope="module")
def many_sales() -> Sequence[Venta]:
    """Last events of 20,480 sales of all stores, of a fixed seed."""
    source = SaleSource(MARKET, seed=7, corrida="muchas")
    return [source.chain(n, NOON)[-1] for n in range(5 * BLOCK)]


def chain(
    n: int, seed: int = 7, corrida: str = "una", stores: Sequence[str] = ()
) -> tuple[Venta, ...]:
    """Return the events of sale n from a new source, which has read nothing before."""
    return SaleSource(MARKET, seed, corrida, stores).chain(n, NOON)


def content(venta: Venta) -> dict[str, object]:
    """Return the fields that depend only on seed, n and the hour."""
    fields = msgspec.to_builtins(venta)
    return {k: v for k, v in fields.items() if k not in {"id_evento", "id_venta", "corrida", "ts"}}


@settings(max_examples=20)
@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_sale_does_not_depend_on_what_was_read_before(first: int, second: int) -> None:
    SOURCE.chain(first, NOON)
    assert SOURCE.chain(second, NOON) == chain(second)


@pytest.mark.parametrize("border", [BLOCK, 2 * BLOCK])
def test_sales_around_a_block_border_are_the_same_in_any_order(border: int) -> None:
    numbers = range(border - 3, border + 3)
    forwards = [SOURCE.chain(n, NOON) for n in numbers]
    backwards = [SOURCE.chain(n, NOON) for n in reversed(numbers)]
    assert forwards == backwards[::-1] == [chain(n) for n in numbers]
    assert len({encode(events[0]) for events in forwards}) == len(numbers)


def test_only_time_ids_and_run_change_with_run_and_clock_within_an_hour() -> None:
    within = timedelta(minutes=59, seconds=59, milliseconds=999)
    later = SaleSource(MARKET, seed=7, corrida="otra").chain(5, NOON + within)
    assert [content(event) for event in later] == [content(event) for event in chain(5)]
    assert later[0].ts == "2026-11-24T15:59:59.999Z"
    for event, other in zip(later, chain(5), strict=True):
        assert event.corrida == "otra"
        assert {event.id_evento, event.id_venta}.isdisjoint({other.id_evento, other.id_venta})


@settings(max_examples=20)
@given(
    st.lists(st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)), min_size=1, max_size=5),
    st.integers(0, 10**9),
)
def test_each_row_of_a_block_depends_only_on_its_own_hour(
    moments: list[datetime], block: int
) -> None:
    """So a block may be cut, padded and divided among shards."""
    ts = [epoch_ms(moment.replace(tzinfo=UTC)) for moment in moments]
    mixed = SOURCE.columns(block, np.resize(np.array(ts), BLOCK))
    for position, moment in enumerate(ts):
        alone = SOURCE.columns(block, np.full(BLOCK, moment))
        for one, other in zip(mixed, alone, strict=True):
            assert one[position] == other[position]


def test_columns_equal_the_sales_read_one_by_one(many_sales: Sequence[Venta]) -> None:
    source = SaleSource(MARKET, seed=7, corrida="muchas")
    columns = source.columns(1, np.full(BLOCK, epoch_ms(NOON)))
    for row, v in enumerate(many_sales[BLOCK : 2 * BLOCK]):
        assert v.estado == ESTADOS[columns.end[row]]
        assert v.sucursal == source.stores[columns.store[row]].sucursal
        assert v.sku == source.products[columns.product[row]].sku
        assert v.emisor == source.issuers[columns.issuer[row]]
        assert v.motivo == source.reasons[columns.reason[row]]
        assert v.cliente == customer_id(columns.customer[row])
        assert v.importe_centavos == columns.importe_centavos[row]


@settings(max_examples=20)
@given(st.integers(0, MAX_SEED), st.integers(0, MAX_SEED))
def test_different_seeds_give_different_sales(one: int, other: int) -> None:
    first, second = (SaleSource(MARKET, seed, "una") for seed in (one, other))
    sales = [[content(source.chain(n, NOON)[0]) for n in range(20)] for source in (first, second)]
    assert (sales[0] == sales[1]) == (one == other)


def test_ids_are_unique_within_and_across_runs() -> None:
    runs = [SaleSource(MARKET, 7, corrida) for corrida in ("una", "otra", "tercera")]
    sales = [source.chain(n, NOON) for source in runs for n in range(BLOCK + 10)]
    events = [event for chain in sales for event in chain]
    assert len({event.id_venta for event in events}) == len(sales)
    assert len({event.id_evento for event in events}) == len(events)


def test_run_of_some_stores_sells_the_same_goods_in_those_stores() -> None:
    some = ["palermo", "ushuaia"]
    source = SaleSource(MARKET, 7, "una", some)
    sales = [source.chain(n, NOON)[0] for n in range(300)]
    assert {venta.sucursal for venta in sales} == {"Palermo", "Ushuaia"}
    for venta in sales:
        there, everywhere = content(venta), content(SOURCE.chain(venta.secuencia, NOON)[0])
        # Another store may be in another province, with other issuers and so other promotions.
        for field in (
            *source.store_fields(0),
            *("cliente", "emisor"),
            *("descuento_centavos", "importe_centavos", "iva_centavos"),
        ):
            del there[field], everywhere[field]
        assert there == everywhere


def test_order_of_the_store_ids_does_not_matter() -> None:
    asked = ["ushuaia", "palermo", "rosario-centro"]
    assert [chain(n, stores=asked) for n in range(5)] == [
        chain(n, stores=[*asked[::-1], "palermo"]) for n in range(5)
    ]


def test_choices_differ_for_other_stores_or_another_day_length() -> None:
    def choices(stores: Sequence[str] = (), day: int = 86_400, seed: int = 7) -> str:
        return SaleSource(MARKET, seed, f"corrida {seed}", stores, day).choices

    two = ("rosario-centro", "villa-maria")
    assert choices() == choices(seed=8)
    assert choices(two) == choices(two[::-1])
    assert len({choices(), choices(two), choices(two[:1]), choices(day=60)}) == 4


def test_unknown_stores_are_all_named_with_similar_ids() -> None:
    with pytest.raises(UnknownStoresError, match="'cordoba-cntro', 'xyzzy'") as refused:
        chain(0, stores=["cordoba-cntro", "palermo", "xyzzy"])
    assert refused.value.unknown["cordoba-cntro"][0] == "cordoba-centro"
    assert refused.value.unknown["xyzzy"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must be from 0 to"),
        ({"seed": MAX_SEED + 1}, "seed must be from 0 to"),
        ({"corrida": ""}, "corrida is empty"),
        ({"n": -1}, "number of a sale must be 0 or more"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chain(**({"n": 0} | arguments))  # type: ignore[arg-type]


def test_money_and_payment_fields_are_consistent(many_sales: Sequence[Venta]) -> None:
    for v in many_sales:
        assert v.importe_centavos == (
            v.cantidad * v.precio_unitario_centavos - v.descuento_centavos
        )
        assert v.importe_centavos > 0
        assert v.iva_centavos == iva_incluido(v.importe_centavos, v.alicuota_iva)
        assert v.cuotas == 1 or v.tipo_pago == "credito"
        assert (v.emisor != "") == (v.tipo_pago in TIPOS_PAGO_CON_EMISOR)
        assert (v.motivo != "") == (v.estado == "rechazada")
        assert v.tipo_pago != "efectivo" or v.estado not in {"rechazada", "pendiente"}
        assert v.estado != "pendiente" or v.tipo_pago == "transferencia"
        assert (v.cliente == "") == (v.tipo_pago == "efectivo" and v.plataforma == "local")


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


def test_content_equals_the_golden_file(market: Market) -> None:
    kept = golden.read(golden.FOLDER / "golden.json")
    assert golden.sales_digest(market, kept) == kept["sha256"], (
        "every seed now sells something else; if data or draws were changed on purpose, "
        "run `./ventas docs`"
    )


def test_customers_return_and_some_return_often() -> None:
    noon = np.full(BLOCK, epoch_ms(NOON))
    blocks = [SOURCE.columns(block, noon) for block in range(13)]
    store = np.concatenate([block.store for block in blocks])
    customer = np.concatenate([block.customer for block in blocks])
    palermo = store == [it.sucursal for it in SOURCE.stores].index("Palermo")
    known = customer >= 0
    bought = Counter(customer[palermo & known].tolist())
    often = sorted(bought.values(), reverse=True)
    assert 0.2 < sum(times > 1 for times in often) / len(often) < 0.9
    assert often[0] > 5
    assert often[0] < 0.05 * sum(often)
    assert not set(bought) & set(customer[~palermo & known].tolist())


def test_sales_read_in_order_draw_each_block_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing a block takes as long as hundreds of sales."""
    drawn: list[int] = []
    columns = SaleSource.columns

    def counted(self: SaleSource, block: int, ts: Ints) -> Drawn[Ints]:
        drawn.append(block)
        return columns(self, block, ts)

    monkeypatch.setattr(SaleSource, "columns", counted)
    source = SaleSource(MARKET, seed=7, corrida="una")
    for n in range(2 * BLOCK):
        source.chain(n, NOON)
    assert drawn == [0, 1]
