"""What the live page is told, from what Druid answers to each of its queries."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from include.druid.client import DruidUnreachableError
from include.druid.live.filters import parse_filters
from include.druid.live.overview import changed, overview

NOW = datetime(2026, 11, 24, 15, 7, 31, tzinfo=UTC)


class Druid:
    """Answers by what a query groups by, and keeps what it was asked."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, list[Any]]] = []

    def sql(self, query: str, parameters: list[Any], **_: Any) -> list[dict[str, Any]]:
        self.asked.append((query, parameters))
        kinds = {
            "TIME_FLOOR": "series",
            "tipo_pago, emisor, cuotas, estado": "payments",
            "provincia, sucursal, plataforma": "places",
            "categoria, producto, estado": "products",
            "LIMIT": "latest",
        }
        kind = next((kind for part, kind in kinds.items() if part in query), "states")
        return self.answers.get(kind, [])


def look(druid: Any, **parameters: str) -> dict[str, Any]:
    with ThreadPoolExecutor(2) as pool:
        return overview(druid, "ventas", parse_filters(parameters), NOW, pool)


def test_nothing_in_the_range_is_zeros_and_not_an_error() -> None:
    found = look(Druid())
    assert found["totales"]["actual"]["ventas"] == 0
    assert found["serie"] == found["pagos"] == found["suben"] == []


def test_it_asks_for_the_range_the_one_before_and_the_day_before() -> None:
    druid = Druid()
    look(druid, rango="1h", provincia="Córdoba")
    hour = 3_600_000
    end = 1_795_532_851_000
    stretches = {(start, stop) for _, (start, stop, *_) in druid.asked}
    assert stretches == {
        (end - hour, end),
        (end - 2 * hour, end - hour),
        (end - 25 * hour, end - 24 * hour),
    }
    assert all(parameters[2:] == ["Córdoba"] for _, parameters in druid.asked)
    assert all("AND provincia = ?" in query and "{" not in query for query, _ in druid.asked)


def test_a_day_is_made_of_its_local_hours() -> None:
    row = {"estado": "pendiente", "importe": 0}
    series = [
        {**row, "momento": "2026-11-23T02:00:00.000Z", "eventos": 5},
        {**row, "momento": "2026-11-23T03:00:00.000Z", "eventos": 7},
        {**row, "momento": "2026-11-24T02:00:00.000Z", "eventos": 1},
    ]
    found = look(Druid(series=series), rango="30d")
    assert [point["ventas"] for point in found["serie"]] == [5, 8]
    assert found["totales"]["actual"]["ventas"] == 13


def test_lists_are_by_sales_and_issuers_by_payment_type() -> None:
    def paid(kind: str, issuer: str | None, instalments: int, events: int) -> dict[str, Any]:
        return {
            "tipo_pago": kind,
            "emisor": issuer,
            "cuotas": instalments,
            "estado": "pendiente",
            "eventos": events,
            "importe": 1,
        }

    payments = [
        paid("efectivo", None, 1, 3),
        paid("credito", "Visa", 12, 5),
        paid("credito", "Visa", 1, 4),
        paid("debito", "Visa", 1, 8),
    ]
    found = look(Druid(payments=payments))
    assert [(row["nombre"], row["ventas"]) for row in found["pagos"]] == [
        ("credito", 9),
        ("debito", 8),
        ("efectivo", 3),
    ]
    assert [(row["pago"], row["nombre"]) for row in found["emisores"]] == [
        ("credito", "Visa"),
        ("debito", "Visa"),
    ]
    assert [(row["nombre"], row["ventas"]) for row in found["cuotas"]] == [(1, 4), (12, 5)]


def test_what_changed_is_told_by_how_much_that_means() -> None:
    before = {"yerba": 100, "asado": 4, "pan": 40, "vino": 5}
    now = {"yerba": 140, "asado": 8, "pan": 10, "taza": 9}
    changes = changed(now, before)
    assert [change["nombre"] for change in changes] == ["taza", "yerba", "asado", "pan"]
    assert changed(now, {}) == []


def test_trouble_of_druid_is_told() -> None:
    class Away:
        def sql(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
            raise DruidUnreachableError("away")

    with pytest.raises(DruidUnreachableError, match="away"):
        look(Away())
