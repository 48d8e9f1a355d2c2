"""The columnar store of events: it filters and groups as Druid does."""

from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from include.page import events as module
from include.page.events import Codes, Events, join
from include.page.measures import Measures
from include.page.overview import CODED

MINUTE = 60_000


def event(moment: int, estado: str = "pendiente", **fields: Any) -> dict[str, Any]:
    return {
        "moment": moment,
        "id_evento": f"e{moment}-{estado}",
        "provincia": "Salta",
        "sucursal": "Salta Centro",
        "categoria": "Bebidas",
        "producto": "Soda",
        "tipo_pago": "efectivo",
        "emisor": None,
        "cuotas": 1,
        "plataforma": "local",
        "estado": estado,
        "importe_centavos": 1000,
        "descuento_centavos": 0,
        "corrida": "c",
        **fields,
    }


def moments(events: Events) -> list[int]:
    """Return the moments of the events' rows, in order."""
    return [row["moment"] for row in reversed(events.latest(1000) or [])]


def encoded(*rows: dict[str, Any], codes: Codes | None = None) -> Events:
    return (codes or Codes(CODED)).encode(list(rows))


def test_groups_have_their_counts_by_state_and_the_amount_of_approved_sales() -> None:
    card: dict[str, Any] = {"tipo_pago": "credito", "emisor": "Visa", "cuotas": 6}
    events = encoded(
        event(3, **card, importe_centavos=5),
        event(1),
        event(2, "aprobada", importe_centavos=7),
        event(4, "aprobada", **card, importe_centavos=2**60),
        event(5, "aprobada", **card, importe_centavos=3),
        event(6, "contracargo", **card),
    )
    assert events.measures(("tipo_pago", "emisor", "cuotas")) == {
        ("credito", "Visa", 6): Measures(1, 2, 0, 0, 1, 2**60 + 3),
        ("efectivo", None, 1): Measures(1, 1, 0, 0, 0, 7),
    }


@pytest.mark.parametrize(
    ("bucket", "points"),
    [
        (timedelta(minutes=1), {MINUTE: 2, 2 * MINUTE: 1, 200 * MINUTE: 1}),
        # A local day begins at three o'clock UTC.
        (timedelta(days=1), {-21 * 60 * MINUTE: 3, 3 * 60 * MINUTE: 1}),
    ],
)
def test_points_of_a_series_begin_in_local_time(bucket: timedelta, points: dict[int, int]) -> None:
    events = encoded(*map(event, (MINUTE + 1, 2 * MINUTE - 1, 2 * MINUTE, 200 * MINUTE)))
    found = events.measures((), bucket)
    assert {moment: its.sales for (moment,), its in found.items()} == points


def test_every_combination_of_values_is_its_own_group() -> None:
    rows = [
        event(moment, provincia=f"p{a}", sucursal=f"s{b}", plataforma=f"q{c}")
        for moment, (a, b, c) in enumerate(product(range(7), range(5), range(3)))
    ]
    names = ("provincia", "sucursal", "plataforma")
    found = encoded(*rows, *rows).measures(names)
    wanted = Counter(tuple(row[name] for name in names) for row in rows * 2)
    assert {key: its.sales for key, its in found.items()} == wanted


def test_few_events_of_columns_with_many_values_are_grouped() -> None:
    codes = Codes(CODED)
    rows = [
        event(n, provincia=f"p{n}", sucursal=f"s{n}", producto=f"x{n}", plataforma=f"q{n}")
        for n in range(300)
    ]
    encoded(*rows, codes=codes)
    few = [rows[7], rows[299], rows[7]]
    names = ("provincia", "sucursal", "producto", "plataforma")
    found = encoded(*few, codes=codes).measures(names, timedelta(milliseconds=1))
    assert {key: its.sales for key, its in found.items()} == {
        ("p7", "s7", "x7", "q7", 7): 2,
        ("p299", "s299", "x299", "q299", 299): 1,
    }


def test_event_without_a_state_is_not_counted_and_a_missing_amount_is_zero() -> None:
    lost = event(1, None, importe_centavos=None)  # type: ignore[arg-type]
    assert encoded(lost).measures(("estado",)) == {(None,): Measures()}
    assert encoded(event(1, "aprobada", importe_centavos=None)).measures(("estado",)) == {
        ("aprobada",): Measures(approved=1)
    }
    assert encoded().measures(("estado",), timedelta(minutes=1)) == {}


def test_filters_on_several_columns_must_all_match() -> None:
    codes = Codes(CODED)
    events = encoded(event(1), event(2, provincia="Jujuy"), event(3, "aprobada"), codes=codes)
    found = events.where([("provincia", "Salta"), ("estado", "aprobada")])
    assert moments(found) == found.moments.tolist() == [3]
    assert found.measures(("provincia",)) == {
        ("Salta",): Measures(approved=1, revenue_centavos=1000)
    }
    assert moments(events.where([("producto", "nunca visto")])) == []


def test_events_are_appended_and_cut_to_an_interval() -> None:
    codes = Codes(CODED)
    earlier = encoded(event(5), event(1), codes=codes)
    later = encoded(event(9), event(7), codes=codes)
    found = join(codes, [earlier, later]).between(5, 9)
    assert moments(found) == [5, 7]
    assert found.measures(("provincia",)) == {("Salta",): Measures(sales=2)}


@pytest.mark.parametrize(("count", "latest"), [(2, [3, 2]), (9, [3, 2, 1])])
def test_latest_events_come_first(count: int, latest: list[int]) -> None:
    events = encoded(event(1), event(3), event(2))
    assert [row["moment"] for row in events.latest(count) or []] == latest


def test_latest_events_are_not_listed_if_a_row_was_not_kept() -> None:
    codes = Codes(CODED)
    counted = codes.encode([event(1), event(2)], listed=False)
    found = join(codes, [counted, codes.encode([event(3), event(4)])])
    assert [row["moment"] for row in found.latest(2) or []] == [4, 3]
    assert found.latest(3) is None
    assert moments(found.where([("estado", "rechazada")])) == []
    assert found.measures(("provincia",)) == {("Salta",): Measures(sales=4)}


@pytest.mark.parametrize(
    ("amounts", "revenue"),
    [
        ([2**63 - 1, 2**62, -(2**63), 7], 2**62 + 6),
        ([2**63 - 1, 1], 2**63 - 1),
        ([-(2**63), -1], -(2**63 - 1)),
    ],
)
def test_sum_of_absurd_amounts_is_exact_or_the_nearest_of_64_bits(
    amounts: list[int], revenue: int
) -> None:
    rows = [event(n, "aprobada", importe_centavos=amount) for n, amount in enumerate(amounts)]
    found = encoded(*rows).measures(("estado",))
    assert found["aprobada",].revenue_centavos == revenue


def test_values_beyond_the_maximum_count_as_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 3)
    codes = Codes(CODED)
    found = encoded(*[event(n, producto=f"p{n}") for n in range(9)], codes=codes)
    assert {name: its.sales for (name,), its in found.measures(("producto",)).items()} == (
        {f"p{n}": 1 for n in range(3)} | {None: 6}
    )
    known = encoded(event(1, producto="p1"), codes=codes).where([("producto", "p1")])
    assert known.measures(("producto",)) == {("p1",): Measures(sales=1)}
