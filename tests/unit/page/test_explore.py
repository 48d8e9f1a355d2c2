"""«Explorar»: what a URL asks for, and the split that a SQL database gives for known sales."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from include.page.explore.answer import MOST, explore
from include.page.explore.split import AGAINST, DIMENSIONS, MEASURES, parse_split
from include.sales.bulk import BulkEncoder
from include.sales.content import SaleSource
from include.sales.event import Venta, decode
from include.sales.local_time import epoch_ms, hours_of
from include.sales.market import load_market
from include.texts import InputError, languages, table
from tests.support.sold_events import SoldEvents

NOW = datetime(2026, 11, 24, 15, 7, 31, tzinfo=UTC)
"""A Tuesday, 12:07:31 in the stores."""


@pytest.fixture(scope="module")
def sold() -> list[Venta]:
    """Sales of sixteen days, one every eight minutes."""
    count = 16 * 180
    moments = epoch_ms(NOW) - np.arange(count, 0, -1) * 480_000 + 3_000
    encoder = BulkEncoder(SaleSource(load_market(), seed=7, corrida="prueba"), until=NOW)
    blocks = encoder.blocks(range(count), lambda first, stop: moments[first:stop])
    return [decode(value) for block in blocks for value in block.values]


@pytest.fixture(scope="module")
def druid(sold: list[Venta]) -> SoldEvents:
    return SoldEvents(sold)


def look(druid: Any, **parameters: str) -> dict[str, Any]:
    with ThreadPoolExecutor(2) as pool:
        return explore(druid, "ventas", parse_split(parameters), NOW, pool)


def within(sold: list[Venta], found: dict[str, Any]) -> list[Venta]:
    return [event for event in sold if found["start"] <= moment(event) < found["end"]]


def moment(event: Venta) -> int:
    return epoch_ms(datetime.fromisoformat(event.ts))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("by", [("producto", "provincia"), ("hora_del_dia", "sucursal")])
def test_split_of_a_sum_adds_up_to_its_total(
    druid: SoldEvents, measure: str, by: tuple[str, str]
) -> None:
    found = look(druid, medida=measure, por=by[0], y=by[1], rango="7d")
    whole = look(druid, medida=measure, por="plataforma", rango="7d")
    assert found["total"] == whole["total"]
    if MEASURES[measure].base is None:
        cells, total = found["cells"], found["total"].value
        assert total > 0
        assert sum(cell.value for row in cells for cell in row) == total
        assert [sum(cell.value for cell in row) for row in cells] == [
            cell.value for cell in found["rows"]
        ]
        assert [sum(cell.value for cell in column) for column in zip(*cells, strict=True)] == [
            cell.value for cell in found["columns"]
        ]


def test_measures_are_those_of_the_sales(druid: SoldEvents, sold: list[Venta]) -> None:
    found = {name: look(druid, medida=name, rango="7d") for name in MEASURES}
    events = within(sold, found["ventas"])
    states = Counter(event.estado for event in events)
    approved = [event for event in events if event.estado == "aprobada"]
    revenue = sum(event.importe_centavos for event in approved)
    decided = len(approved) + states["rechazada"]
    assert {name: (its["total"].value, its["total"].base) for name, its in found.items()} == {
        "ventas": (states["pendiente"], None),
        "facturacion": (revenue, None),
        "ticket": (revenue / len(approved), len(approved)),
        "aprobacion": (len(approved) / decided, decided),
        "descuento": (sum(event.descuento_centavos for event in approved), None),
        "unidades": (sum(event.cantidad for event in approved), None),
        "devoluciones": (states["reembolsada"] + states["contracargo"], None),
    }


def test_hours_and_weekdays_are_those_of_the_stores(druid: SoldEvents, sold: list[Venta]) -> None:
    found = look(druid, medida="ventas", por="dia_de_semana", y="hora_del_dia", rango="7d")
    begun = [event for event in within(sold, found) if event.estado == "pendiente"]
    local = [divmod(hours_of(moment(event)), 24) for event in begun]
    counted = Counter(((day + 3) % 7, hour) for day, hour in local)
    assert counted[1, 11] > 0
    assert [axis["values"] for axis in found["axes"]] == [[*range(7)], [*range(24)]]
    assert {
        (day, hour): cell.value
        for day, row in enumerate(found["cells"])
        for hour, cell in enumerate(row)
        if cell.value
    } == counted


@pytest.mark.parametrize(
    ("rango", "por", "step", "points"),
    [
        ("1h", "tiempo", 60_000, 61),
        ("24h", "hora", 3_600_000, 25),
        ("7d", "dia", 86_400_000, 8),
        ("30d", "tiempo", 86_400_000, 31),
    ],
)
def test_points_in_time_have_no_gaps_and_hold_their_sales(
    druid: SoldEvents, sold: list[Venta], rango: str, por: str, step: int, points: int
) -> None:
    found = look(druid, medida="ventas", por=por, rango=rango)
    starts = found["axes"][0]["values"]
    assert len(starts) == points
    assert {later - earlier for earlier, later in pairwise(starts)} == {step}
    assert starts[0] <= found["start"] < starts[1]
    begun = [event for event in within(sold, found) if event.estado == "pendiente"]
    counted = Counter((moment(event) - starts[0]) // step for event in begun)
    assert [cell.value for cell in found["rows"]] == [counted[n] for n in range(points)]


@pytest.mark.parametrize(
    ("rango", "contra", "days"),
    [
        ("24h", "anterior", 1),
        ("24h", "semana", 7),
        ("7d", "semana", 7),
        ("30d", "semana", 35),
        ("1h", "semana", 7),
    ],
)
def test_range_is_compared_with_the_one_before_or_the_same_weekdays(
    druid: SoldEvents, sold: list[Venta], rango: str, contra: str, days: int
) -> None:
    found = look(druid, medida="ventas", por="hora", rango=rango, contra=contra)
    shift = days * 86_400_000
    start, end = found["before"]
    assert (start, end) == tuple(
        at // 60_000 * 60_000 - shift for at in (found["start"], found["end"])
    )
    before = within(sold, {"start": start, "end": end})
    first = found["axes"][0]["values"][0]
    counted = Counter(
        max(0, moment(event) + shift - first) // 3_600_000
        for event in before
        if event.estado == "pendiente"
    )
    assert [cell.before for cell in found["rows"]] == [
        counted[n] for n in range(len(found["rows"]))
    ]
    assert found["total"].before == counted.total()


def test_smaller_values_are_summed_up_in_one_more_place(
    druid: SoldEvents, sold: list[Venta]
) -> None:
    alone = look(druid, por="producto", rango="7d")
    both = look(druid, por="producto", y="sucursal", rango="7d")
    revenue: Counter[str] = Counter()
    for event in within(sold, alone):
        if event.estado == "aprobada":
            revenue[event.producto] += event.importe_centavos
    largest = [name for name, _ in revenue.most_common(MOST[0])]
    for found in (alone, both):
        axis = found["axes"][0]
        assert axis["values"] == largest
        assert axis["rest"] == len(revenue) - MOST[0]
        assert len(found["cells"]) == MOST[0] + 1
        assert found["rows"] == alone["rows"]
    assert len(both["cells"][0]) == MOST[1] + 1


def test_value_that_only_the_range_before_has_is_shown(sold: list[Venta]) -> None:
    gone = msgspec.structs.replace(
        sold[0], estado="pendiente", provincia="Antes", ts="2026-11-23T12:00:00.000Z"
    )
    here = msgspec.structs.replace(gone, provincia="Ahora", ts="2026-11-24T12:00:00.000Z")
    asked = {"medida": "ventas", "rango": "24h", "contra": "anterior"}
    found = look(SoldEvents([gone, here]), por="provincia", **asked)
    assert found["axes"][0]["values"] == ["Ahora", "Antes"]
    assert [tuple(cell) for cell in found["rows"]] == [(1, None, 0), (0, None, 1)]
    product = msgspec.structs.replace(gone, producto="Nadie lo compra más")
    found = look(SoldEvents([product, here]), por="producto", y="pago", **asked)
    assert (found["axes"][0]["values"], found["axes"][0]["rest"]) == ([here.producto], 1)
    assert found["rows"][1] == (0, None, 1)


def test_unknown_value_has_a_place_of_its_own(sold: list[Venta]) -> None:
    lost: Any = msgspec.structs.replace(sold[0], estado="pendiente", ts="2026-11-24T12:00:00.000Z")
    lost = msgspec.structs.replace(lost, producto=None, cuotas=None)
    druid = SoldEvents([lost])
    for by in ({"por": "producto"}, {"por": "producto", "y": "sucursal"}, {"por": "cuotas"}):
        found = look(druid, medida="ventas", rango="24h", **by)
        assert (found["axes"][0]["values"], found["axes"][0]["rest"]) == ([None], 0)
        assert found["rows"][0].value == 1


def test_filters_and_names_are_parameters_of_the_query(druid: SoldEvents) -> None:
    nasty = "Visa' OR 1=1 --"
    druid.asked.clear()
    found = look(druid, por="sucursal", y="tiempo", emisor=nasty, contra="anterior")
    assert not found["total"].value
    assert len(druid.asked) == 3
    assert all(nasty not in text and nasty in values for text, values in druid.asked)
    assert all("{" not in text for text, _ in druid.asked)


def test_empty_range_has_no_values_and_no_mean() -> None:
    found = look(SoldEvents([]), medida="ticket", por="sucursal", y="pago", contra="anterior")
    assert found["cells"] == found["rows"] == found["columns"] == []
    assert found["total"] == (None, 0, None)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"medida": "propinas"}, "No hay una medida 'propinas'; hay: ventas, facturacion"),
        ({"por": "id_venta"}, "No se puede dividir por 'id_venta'; se puede por: tiempo"),
        ({"y": "__time"}, "No se puede dividir por '__time'"),
        ({"contra": "ayer"}, "No se puede comparar con 'ayer'; se puede con: anterior, semana"),
        ({"por": "pago", "y": "pago"}, "ya se dividen por 'pago'"),
        ({"por": "dia", "y": "hora"}, "por uno solo de: tiempo, hora, dia"),
        ({"provinca": "x"}, "No hay un filtro 'provinca'"),
        ({"rango": "2h"}, "No hay un rango '2h'"),
    ],
)
def test_unknown_name_or_impossible_split_is_refused(parameters: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_split(parameters)


def test_everything_that_can_be_chosen_has_a_text() -> None:
    for language in languages():
        page = table(language)["page"]
        told = page["explore"]
        assert {*told["measures"]} == {*told["means"]} == {*MEASURES}
        assert {*told["dimensions"]} | {*page["live"]["filters"]} == {*DIMENSIONS}
        assert {*told["compared"]} == {"none", *AGAINST}
