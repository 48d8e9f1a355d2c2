"""Incidents of business: how a person names them, and what they change in the sales of a run."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales.bulk import BulkEncoder, evenly
from include.sales.content import SaleSource
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, TIPOS_PAGO, decode, encode, iva_incluido
from include.sales.incident_tables import SUBJECT_COLUMNS
from include.sales.incidents import Incident, Plan, kind_of, subject_of, values_of
from include.sales.local_time import epoch_ms, moment_of
from include.sales.market import load_market
from include.sales.random_numbers import BLOCK, Ints
from include.texts import InputError

MARKET = load_market()
SOURCE = SaleSource(MARKET, seed=7, corrida="una")
NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
YERBA = MARKET.products[0].producto
BLOCKS = 8

#: A subject that sells often, for each field.
OFTEN = {
    "sucursal": "Palermo",
    "provincia": "Córdoba",
    "producto": YERBA,
    "categoria": "Bebidas",
    "tipo_pago": "qr",
    "emisor": "Visa",
    "plataforma": "web",
}
REJECTED, REFUNDED, CHARGED_BACK = (
    ESTADOS.index(state) for state in ("rechazada", "reembolsada", "contracargo")
)


def planted(*lines: str, begins: datetime = NOON) -> SaleSource:
    return SOURCE.with_incidents([Plan.read(line, MARKET).begun(begins) for line in lines])


def sold(source: SaleSource, ts: Ints | None = None) -> Drawn[Ints]:
    """Return the sales of some blocks, all at noon by default."""
    ts = np.full(BLOCK, epoch_ms(NOON)) if ts is None else ts
    blocks = [source.columns(block, ts) for block in range(BLOCKS)]
    return Drawn(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


USUAL = sold(SOURCE)


def concerned(sales: Drawn[Ints], kind: str, subject: str) -> Any:
    """Return the mask of the sales of a subject."""
    found = np.ones(len(sales.store), dtype=bool)
    for field, value in subject_of(MARKET, kind_of(MARKET, kind), subject):
        positions = np.flatnonzero(np.array(values_of(MARKET, MARKET.stores, field)) == value)
        found &= np.isin(getattr(sales, SUBJECT_COLUMNS[field]), positions)
    return found


def differing(one: Drawn[Ints], other: Drawn[Ints]) -> Any:
    return np.any([a != b for a, b in zip(one, other, strict=True)], axis=0)


def line_of(kind: str) -> tuple[str, str]:
    """Return the line of an incident of a kind with the usual size, and its subject."""
    subject = next((OFTEN[field] for field in kind_of(MARKET, kind).fields), "")
    return f"{kind}; {subject}", subject


KINDS = [kind.incidente for kind in MARKET.incidents]


@pytest.mark.parametrize("kind", KINDS)
def test_incident_changes_only_sales_that_are_or_become_its_subjects(kind: str) -> None:
    line, subject = line_of(kind)
    changed = sold(planted(line))
    differs = differing(USUAL, changed)
    assert differs.any()
    assert not (
        differs & ~concerned(USUAL, kind, subject) & ~concerned(changed, kind, subject)
    ).any()


@pytest.mark.parametrize("kind", KINDS)
def test_incident_has_the_effects_of_its_kind_in_their_size(kind: str) -> None:
    line, subject = line_of(kind)
    row = kind_of(MARKET, kind)
    changed = sold(planted(line))
    before, after = (concerned(sales, kind, subject) for sales in (USUAL, changed))
    at_both = before & after
    occurs = changed.occurs > 0

    sales = 1 + row.ventas * row.tamano / 100
    measured = (after & occurs).sum() / before.sum()
    if sales > 1:  # a share that grows leaves fewer other customers
        assert 1 + 0.65 * (sales - 1) < measured < 1 + 1.05 * (sales - 1)
    else:
        assert measured == pytest.approx(sales, abs=0.03)
    units = changed.cantidad[at_both].sum() / USUAL.cantidad[at_both].sum()
    assert units == pytest.approx(1 + row.unidades * row.tamano / 100, rel=0.03)
    assert set(changed.price_percent[after]) == {100 + round(row.precio * row.tamano)}
    assert (changed.percent[after] >= row.descuento * row.tamano).all()
    approvable = at_both & (USUAL.outcome == ESTADOS.index("aprobada")) & (USUAL.payment > 0)
    rejected = (changed.outcome == REJECTED)[approvable].mean()
    assert rejected == pytest.approx(-row.aprobacion * row.tamano / 100, abs=0.03)
    kept = at_both & (USUAL.end == ESTADOS.index("aprobada")) & ~(changed.outcome == REJECTED)
    kept &= USUAL.payment == TIPOS_PAGO.index("credito") if row.contracargos else True
    for state, share in ((REFUNDED, row.reembolsos), (CHARGED_BACK, row.contracargos)):
        returned = (changed.end == state)[kept].mean()
        assert returned == pytest.approx(share * row.tamano / 100, abs=0.04)


def test_incident_concerns_the_sales_that_begin_while_it_lasts() -> None:
    start, end = epoch_ms(NOON), epoch_ms(NOON + timedelta(minutes=10))
    ts = np.resize(np.array([start - 1, start, end - 1, end]), BLOCK)
    source = planted("menos_ventas; ; 90; 5; 10", begins=NOON - timedelta(minutes=5))
    omitted = (sold(source, ts).occurs == 0).reshape(-1, 4).any(axis=0)
    assert omitted.tolist() == [False, True, True, False]


def test_one_more_incident_leaves_the_changes_of_the_others_as_they_are() -> None:
    alone, both = (
        sold(planted(*lines))
        for lines in (
            ["emisor_caido; Visa", f"producto_viral; {YERBA}"],
            ["promocion; Mastercard", "emisor_caido; Visa", f"producto_viral; {YERBA}"],
        )
    )
    promoted = concerned(both, "promocion", "Mastercard")
    came = promoted | concerned(alone, "promocion", "Mastercard")
    assert promoted.any()
    assert not (differing(alone, both) & ~came).any()


def test_effects_of_incidents_that_meet_multiply_and_stay_within_what_an_event_may_hold() -> None:
    rise = sold(planted(*["aumento_de_precio; Bebidas; 100"] * 5, "promocion; Bebidas; 60"))
    drinks = concerned(rise, "promocion", "Bebidas")
    assert set(rise.price_percent[drinks]) == {999}
    free = sold(planted(*["promocion; Bebidas; 60"] * 9))
    assert free.percent.max() == 99
    assert free.cantidad.max() <= 999


def test_subject_of_two_parts_needs_both() -> None:
    changed = sold(planted("emisor_caido; credito + visa; 100"))
    credit = TIPOS_PAGO.index("credito")
    visa = SOURCE.issuers.index("Visa")
    out = (changed.payment == credit) & (changed.issuer == visa)
    assert (changed.outcome[out] == REJECTED).all()
    assert not differing(USUAL, changed)[~out].any()


def test_cash_is_neither_rejected_nor_charged_back() -> None:
    for line in ("emisor_caido; efectivo; 100", "ola_de_contracargos; Bebidas; 100"):
        changed = sold(planted(line))
        cash = changed.payment == TIPOS_PAGO.index("efectivo")
        assert not np.isin(changed.end[cash], [REJECTED, CHARGED_BACK]).any()


MANY = (
    "emisor_caido; Visa; 50; 1; 2",
    "sucursal_muda; Córdoba; 100; 0.5; 4",
    f"producto_viral; {YERBA}; 150; 0; 3",
    "promocion; qr; 20; 0; 2",
    "aumento_de_precio; Bebidas; 15; 1; 3",
    "ola_de_reembolsos; Bebidas; 50; 0; 5",
    "menos_ventas; ; 20; 2; 1",
)


@settings(max_examples=8)
@given(
    row=st.integers(0, BLOCK - 300),
    gaps=st.lists(st.integers(-30_000, 60_000), min_size=1, max_size=30),
)
def test_bulk_bytes_equal_those_of_each_event_with_incidents(row: int, gaps: list[int]) -> None:
    source = planted(*MANY)
    ts = epoch_ms(NOON) + np.cumsum(gaps)
    encoded = BulkEncoder(source).encode(row, ts)
    chains = [source.chain(row + i, moment_of(ms)) for i, ms in enumerate(ts.tolist())]
    assert list(encoded.values) == [encode(event) for chain in chains for event in chain]


def test_events_with_incidents_are_consistent_and_the_same_in_any_order() -> None:
    source, schedule = planted(*MANY), evenly(NOON, 20)
    [encoded] = BulkEncoder(source).blocks(range(BLOCK), schedule)
    events = [decode(value) for value in encoded.values]
    assert len({event.secuencia for event in events}) < 0.95 * BLOCK
    for v in events:
        assert v.importe_centavos == v.cantidad * v.precio_unitario_centavos - v.descuento_centavos
        assert v.iva_centavos == iva_incluido(v.importe_centavos, v.alicuota_iva)
        assert (v.motivo != "") == (v.estado == "rechazada")
        assert v.cuotas == 1 or v.tipo_pago == "credito"
        assert (v.emisor != "") == (v.tipo_pago in {"debito", "credito", "qr", "billetera"})
    late = range(3000, 3100)
    ts: Sequence[int] = schedule(late.start, late.stop).tolist()
    alone = [source.chain(n, moment_of(ms)) for n, ms in zip(late, ts, strict=True)]
    assert [event for chain in alone for event in chain] == [
        event for event in events if event.secuencia in late
    ]


def test_run_without_incidents_is_the_same_as_before() -> None:
    again = planted("menos_ventas").with_incidents([])
    assert not differing(USUAL, sold(again)).any()
    assert not differing(USUAL, sold(planted("menos_ventas; ; 30; 60; 5"))).any()


def test_incident_of_a_store_that_the_run_does_not_have_changes_nothing() -> None:
    source = SaleSource(MARKET, 7, "una", ["ushuaia"])
    silent = source.with_incidents([Plan.read("sucursal_muda; Palermo", MARKET).begun(NOON)])
    assert silent.chain(0, NOON) == source.chain(0, NOON)


def test_blank_and_missing_parts_take_the_values_of_the_kind() -> None:
    kind = kind_of(MARKET, "emisor_caido")
    assert Plan.read("emisor_caido;visa", MARKET) == (
        *("emisor_caido", "Visa", kind.tamano),
        *(0.0, kind.minutos),
    )
    assert Plan.read(" emisor_caido ; VISA + Credito ; ; 2,5 ; 4", MARKET) == (
        *("emisor_caido", "Visa + credito", kind.tamano),
        *(2.5, 4.0),
    )
    assert Plan.read("menos_ventas", MARKET).begun(NOON) == Incident(
        "menos_ventas", "", 30.0, "2026-11-24T15:00:00.000Z", 60.0
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("terremoto", "no hay ningún tipo «terremoto»; hay: emisor_caido, "),
        ("", "no hay ningún tipo «»"),
        ("emisor_caido", "«emisor_caido» necesita un sujeto de emisor, tipo_pago."),
        ("menos_ventas; Visa", "«menos_ventas» es para todas las ventas y no lleva sujeto"),
        ("emisor_caido; Vsa", "no hay ningún «Vsa»; parecidos: Visa"),
        ("emisor_caido; Visa + Palermo", "y no hay ningún «Palermo»"),
        ("emisor_caido; Visa; 101", "el tamaño de «emisor_caido» va de 0 a 100 (%); se recibió"),
        ("emisor_caido; Visa; mucho", "se recibió «mucho»."),
        ("emisor_caido; Visa; nan", "se recibió «nan»."),
        ("emisor_caido; Visa; 10; -1", "el minuto en que empieza «emisor_caido» va de 0 a"),
        ("emisor_caido; Visa; 10; 1; 0", "«emisor_caido» dura de 1 a 527040 minutos"),
        ("emisor_caido; Visa; 10; 1; 5; 6", "cada línea es tipo; sujeto; tamaño; minuto"),
    ],
)
def test_wrong_incident_is_refused_in_one_sentence(line: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)) as refused:
        Plan.read(line, MARKET)
    assert refused.value.text("en") != refused.value.text("es")


@given(st.text(alphabet="emisor_caido;Visa+ 0.é", max_size=40))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        Plan.read(line, MARKET)
    except InputError:
        return
