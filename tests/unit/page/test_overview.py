"""The live page's answer, built from Druid's answers to its queries."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from include.druid.client import DruidError, DruidUnreachableError, QueryTimeoutError
from include.page import shared_events as module
from include.page.filters import parse_filters
from include.page.overview import Memory, changed, overview
from include.sales.local_time import epoch_ms

NOW = datetime(2026, 11, 24, 15, 7, 31, tzinfo=UTC)
END = 1_795_532_851_000


class Druid:
    """Fake client that recognizes a query by its grouping, and records every call."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, list[Any]]] = []

    def sql(self, text: str, parameters: list[Any], **_: Any) -> list[dict[str, Any]]:
        kinds = {
            "moment, COUNT(*)": "hours",
            "TIME_FLOOR": "series",
            "tipo_pago, emisor, cuotas, estado": "payments",
            "provincia, sucursal, plataforma, estado,": "places",
            "categoria, producto, estado": "products",
            "LIMIT 25": "latest",
            "id_evento": "events",
            "LIMIT": "counted",
        }
        kind = next((kind for part, kind in kinds.items() if part in text), "states")
        self.asked.append((kind, text, parameters))
        start, end = parameters[:2]
        rows = self.answers.get("events" if kind in ("hours", "counted") else kind, [])
        # Rows with a moment are answers only to a query of their interval.
        rows = [
            row for row in rows if "moment" not in row or start <= milliseconds(row["moment"]) < end
        ]
        return hours(rows) if kind == "hours" else [dict(row) for row in rows]


def hours(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the number of events in each hour."""
    counts = Counter(event["moment"] // 3_600_000 * 3600 for event in events)
    return [
        {"moment": datetime.fromtimestamp(hour, UTC).isoformat(), "events": count}
        for hour, count in counts.items()
    ]


def milliseconds(moment: int | str) -> int:
    return moment if isinstance(moment, int) else epoch_ms(datetime.fromisoformat(moment))


def look(
    druid: Any, now: datetime = NOW, memory: Memory | None = None, **parameters: str
) -> dict[str, Any]:
    with ThreadPoolExecutor(2) as pool:
        return overview(druid, "ventas", parse_filters(parameters), now, pool, memory or Memory())


def test_range_without_sales_gives_zeros() -> None:
    found = look(Druid())
    assert found["totals"]["current"]["sales"] == 0
    assert found["series"] == found["payments"] == found["rising"] == []


def test_look_at_the_past_queries_the_range_and_the_previous_one() -> None:
    druid = Druid()
    look(druid, rango="24h", provincia="Córdoba", hasta="2026-11-24T12:07:00-03:00")
    day, end = 86_400_000, END // 60_000 * 60_000
    stretches = {(start, stop) for _, _, (start, stop, *_) in druid.asked}
    assert stretches == {(end - day, end), (end - 2 * day, end - day)}
    assert all(parameters[2:] == ["Córdoba"] for _, _, parameters in druid.asked)
    assert all("AND provincia = ?" in query and "{" not in query for _, query, _ in druid.asked)


def test_druid_sums_only_the_whole_hours_of_a_long_range_and_once_a_minute() -> None:
    druid, memory = Druid(), Memory()
    for second in (0, 15, 30):
        look(druid, NOW + timedelta(seconds=second), memory, rango="24h", provincia="Jujuy")
        if second == 0:
            asked = [call for call in druid.asked if call[2][2:]]
            druid.asked.clear()
    hour, end = 3_600_000, END // 3_600_000 * 3_600_000
    current, before = (end - 23 * hour, end), (end - 47 * hour, end - 24 * hour)
    assert {(kind, *stretch) for kind, _, (*stretch, _) in asked if kind != "latest"} == {
        *((kind, *current) for kind in ("payments", "places", "products", "series")),
        ("products", *before),
    }
    again = [(kind, parameters) for kind, _, parameters in druid.asked if parameters[2:]]
    # The third look is in the next minute.
    assert len([kind for kind, _ in again if kind != "latest"]) == len(asked) - 1


def test_rest_of_a_long_range_is_computed_from_single_events() -> None:
    series = [{"moment": "2026-11-24T14:00:00.000Z", "estado": "aprobada", "events": 40}]
    druid = Druid(events=EVENTS, series=[{**series[0], "amount": 9}])
    found = look(druid, rango="24h")
    actual = found["totals"]["current"]
    # Druid sums the hours before 15:00.
    assert (actual["sales"], actual["approved"], actual["revenue_centavos"]) == (1, 41, 109)
    points = {point["moment"]: point["approved"] for point in found["series"]}
    assert points == {1_795_528_800_000: 40, 1_795_532_400_000: 1}


def sale(seconds: float, estado: str = "pendiente", **fields: Any) -> dict[str, Any]:
    """Return an event that is `seconds` old."""
    return {
        "moment": END - round(seconds * 1000),
        "id_evento": f"e{seconds}",
        "provincia": "Salta",
        "sucursal": "Salta Centro",
        "categoria": "Bebidas",
        "producto": "Soda",
        "tipo_pago": "debito",
        "emisor": "Visa",
        "cuotas": 1,
        "plataforma": "local",
        "estado": estado,
        "importe_centavos": 100,
        "descuento_centavos": 0,
        "corrida": "c",
        **fields,
    }


EVENTS = [
    sale(3599),
    sale(3601),
    sale(1800, "aprobada", provincia="Jujuy"),
    sale(1799),
    sale(92),
    sale(90, "aprobada"),
    sale(1, provincia="Jujuy"),
]


def test_live_look_is_computed_from_single_events() -> None:
    found = look(Druid(events=EVENTS))
    actual = found["totals"]["current"]
    assert (actual["sales"], actual["approved"], actual["revenue_centavos"]) == (4, 2, 200)
    assert [(row["name"], row["sales"]) for row in found["provinces"]] == [
        ("Salta", 3),
        ("Jujuy", 1),
    ]
    assert [(row["name"], row["sales"]) for row in found["payments"]] == [("debito", 4)]
    assert [(row["name"], row["sales"]) for row in found["products"]] == [("Soda", 4)]
    assert [row["id_evento"] for row in found["latest"]] == [
        *("e1", "e90", "e92", "e1799", "e1800", "e3599"),
    ]
    assert sum(point["sales"] for point in found["series"]) == 4


def test_viewers_with_other_filters_share_the_events() -> None:
    druid, memory = Druid(events=EVENTS), Memory()
    look(druid, memory=memory)
    asked = len(druid.asked)
    found = look(druid, memory=memory, provincia="Jujuy", pago="debito")
    assert found["totals"]["current"]["sales"] == found["totals"]["current"]["approved"] == 1
    assert len(druid.asked) == asked


def test_look_a_second_later_queries_only_new_events() -> None:
    druid, memory = Druid(events=EVENTS), Memory()
    asked = []
    for second in (31, 32, 59, 60):
        look(druid, NOW + timedelta(seconds=second - 31), memory)
        asked.append(len(druid.asked))
    assert asked == [4, 5, 6, 9]
    # The first look makes four queries; this is the second look's only one.
    kind, _, (start, end, *_) = druid.asked[4]
    assert (kind, end) == ("events", END + 1000)
    # It covers more than a minute, so a sale that arrives a minute late is included.
    assert 60_000 < end - start < 120_000


HOUR, DAY = 3600, 86_400

EARLIER = [
    sale(HOUR + 40, "aprobada", producto="Yerba"),
    sale(2 * HOUR - 40, producto="Yerba"),
    sale(DAY + 40, "aprobada"),
    sale(DAY + HOUR - 40, "aprobada", provincia="Jujuy"),
]


def test_earlier_intervals_of_a_live_look_are_computed_from_single_events() -> None:
    druid = Druid(events=[*EVENTS, *EARLIER, *[sale(10 * n) for n in range(1, 9)]])
    found = look(druid)
    before, yesterday = found["totals"]["before"], found["totals"]["yesterday"]
    assert (before["sales"], before["revenue_centavos"]) == (1, 100)
    assert (yesterday["sales"], yesterday["approved"]) == (0, 2)
    assert [(row["name"], row["before"]) for row in found["rising"]] == [("Soda", 0)]
    jujuy = look(druid, provincia="Jujuy")["totals"]
    assert (jujuy["before"]["sales"], jujuy["yesterday"]["approved"]) == (0, 1)
    assert {kind for kind, _, _ in druid.asked} == {"hours", "events", "counted"}


def test_hour_that_has_ended_is_read_again_only_after_a_late_event() -> None:
    druid, memory = Druid(events=[*EVENTS, *EARLIER]), Memory()
    look(druid, memory=memory)
    minutes = []
    for minute in (1, 2):
        druid.asked.clear()
        if minute == 2:
            druid.answers["events"] = [*EVENTS, *EARLIER, sale(DAY + 100)]
        found = look(druid, NOW + timedelta(minutes=minute), memory)
        hours = [kind for kind, _, (start, _) in druid.asked if start < END - HOUR * 1000]
        minutes.append((found["totals"]["yesterday"]["sales"], hours))
    assert minutes == [(0, ["hours"]), (1, ["hours", "counted"])]


def test_one_interval_with_too_many_events_is_summed_by_druid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 20)
    many = [sale(DAY + n) for n in range(30)]
    states = [{"estado": "pendiente", "events": 30, "amount": 1}]
    druid = Druid(events=[*EVENTS, *many], states=states)
    found = look(druid)
    assert found["totals"]["yesterday"]["sales"] == 30
    assert {kind for kind, _, _ in druid.asked} == {"hours", "events", "states"}


def test_whole_hours_of_an_interval_with_too_many_events_are_summed_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 20)
    many = [sale(DAY + 2 * HOUR + n) for n in range(30)]
    druid = Druid(events=[*EVENTS, *many])
    look(druid, rango="6h")
    hour, end = 3_600_000, END // 60_000 * 60_000 - DAY * 1000
    last = end // hour * hour
    assert sorted(stretch for kind, _, stretch in druid.asked if kind == "states") == [
        [end - 6 * hour, last - 5 * hour],
        [last - 5 * hour, last],
        [last, end],
    ]


def test_latest_events_are_queried_if_the_rows_in_memory_are_too_few() -> None:
    old = [sale(5 * HOUR + n, provincia="Salta") for n in range(3)]
    druid = Druid(events=[*EVENTS, *old], latest=[sale(5 * HOUR)])
    assert [row["id_evento"] for row in look(druid, rango="6h")["latest"]] == ["e18000"]
    recent = [sale(n) for n in range(1, 31)]
    listed = look(Druid(events=[*EVENTS, *old, *recent]), rango="6h")["latest"]
    assert [row["id_evento"] for row in listed] == [f"e{n}" for n in range(2, 27)]


def test_too_many_events_are_summed_by_druid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 3)
    payments = [
        {"tipo_pago": "qr", "emisor": "Modo", "cuotas": 1, "estado": "pendiente"}
        | {"events": 9, "amount": 1}
    ]
    druid = Druid(events=EVENTS, payments=payments)
    assert [row["sales"] for row in look(druid)["payments"]] == [9]
    assert all("LIMIT 3" in query for kind, query, _ in druid.asked if kind == "events")


def test_past_range_is_summed_by_druid() -> None:
    druid = Druid(events=EVENTS)
    look(druid, hasta="2026-11-24T12:00:00-03:00")
    assert "events" not in {kind for kind, _, _ in druid.asked}


def test_failed_answer_is_queried_again() -> None:
    class Flaky(Druid):
        def sql(self, text: str, parameters: Any, **how: Any) -> list[dict[str, Any]]:
            first = not any(asked == text for _, asked, _ in self.asked)
            rows = super().sql(text, parameters, **how)
            if first:
                raise DruidUnreachableError("away")
            return rows

    druid, memory = Flaky(events=EVENTS), Memory()
    for _ in ("hours", "events"):
        with pytest.raises(DruidUnreachableError):
            look(druid, memory=memory)
    assert look(druid, memory=memory)["totals"]["current"]["sales"] == 4


def test_point_of_a_day_sums_its_local_hours() -> None:
    row = {"estado": "pendiente", "amount": 0}
    series = [
        {**row, "moment": "2026-11-23T02:00:00.000Z", "events": 5},
        {**row, "moment": "2026-11-23T03:00:00.000Z", "events": 7},
        {**row, "moment": "2026-11-24T02:00:00.000Z", "events": 1},
    ]
    found = look(Druid(series=series), rango="30d")
    assert [point["sales"] for point in found["series"]] == [5, 8]
    assert found["totals"]["current"]["sales"] == 13


def test_lists_are_sorted_by_sales_and_issuers_belong_to_a_payment_type() -> None:
    def paid(kind: str, issuer: str | None, instalments: int, events: int) -> dict[str, Any]:
        return {
            "tipo_pago": kind,
            "emisor": issuer,
            "cuotas": instalments,
            "estado": "pendiente",
            "events": events,
            "amount": 1,
        }

    payments = [
        paid("efectivo", None, 1, 3),
        paid("credito", "Visa", 12, 5),
        paid("credito", "Visa", 1, 4),
        paid("debito", "Visa", 1, 8),
    ]
    found = look(Druid(payments=payments), rango="24h")
    assert [(row["name"], row["sales"]) for row in found["payments"]] == [
        ("credito", 9),
        ("debito", 8),
        ("efectivo", 3),
    ]
    assert [(row["payment"], row["name"]) for row in found["issuers"]] == [
        ("credito", "Visa"),
        ("debito", "Visa"),
    ]
    assert [(row["name"], row["sales"]) for row in found["instalments"]] == [(1, 4), (12, 5)]


def test_changed_products_are_sorted_by_significance() -> None:
    before: dict[str | None, int] = {"yerba": 100, "asado": 4, "pan": 40, "vino": 5}
    now: dict[str | None, int] = {"yerba": 140, "asado": 8, "pan": 10, "taza": 9}
    changes = changed(now, before)
    assert [change["name"] for change in changes] == ["taza", "yerba", "asado", "pan"]
    assert changed(now, {}) == []


def test_druid_that_is_down_raises() -> None:
    class Away:
        def sql(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
            raise DruidUnreachableError("away")

    with pytest.raises(DruidUnreachableError, match="away"):
        look(Away())


#: Columns of `sale` that a record may lack.
COLUMNS = sorted(sale(1).keys() - {"moment"})

#: Values that a column may have, whatever its type.
ODD: list[Any] = [
    None,
    "",
    "a\ud800b",
    "x" * 100_000,
    ["a", "b"],
    {"a": {"b": 1}},
    True,
    -(2**63),
    2**63 - 1,
    1e308,
    float("nan"),
    float("inf"),
]


def test_record_with_only_nulls_breaks_no_section() -> None:
    incomplete = {**dict.fromkeys(sale(1)), "moment": END - 1000, "id_evento": "x"}
    honest = [sale(7 + n, tipo_pago="credito", cuotas=n) for n in (6, 1)]
    found = look(Druid(events=[*EVENTS, *honest, {**incomplete, "tipo_pago": "credito"}]))
    assert found["failed"] == []
    assert found["totals"]["current"]["sales"] == 6
    assert [row["name"] for row in found["instalments"]] == [1, 6, None]


#: A numeric column of Druid holds only these.
WHOLE = [odd for odd in ODD if odd is None or type(odd) is int]


@pytest.mark.parametrize(
    ("column", "odd"),
    [
        (column, odd)
        for column in COLUMNS
        for odd in (WHOLE if column.endswith("_centavos") else ODD)
    ],
    ids=lambda value: repr(value)[:20],
)
def test_odd_value_in_any_column_does_not_change_the_honest_sales(column: str, odd: Any) -> None:
    hostile = [{**sale(5 + n / 100), column: odd} for n in range(12)]
    honest = look(Druid(events=EVENTS))
    found = look(Druid(events=[*EVENTS, *hostile]))
    msgspec.json.encode(found)
    jujuy = [row for row in found["provinces"] if row["name"] == "Jujuy"]
    assert jujuy == [row for row in honest["provinces"] if row["name"] == "Jujuy"]
    assert found["failed"] == []


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_odd_value_in_druids_sums_does_not_change_the_other_groups(odd: Any) -> None:
    def rows(names: tuple[str, ...], value: Any) -> list[dict[str, Any]]:
        row = {"estado": "aprobada", "events": 9, "amount": 5}
        return [{**dict.fromkeys(names, "usual"), **row}, {**dict.fromkeys(names, value), **row}]

    found = look(
        Druid(
            payments=rows(("tipo_pago", "emisor", "cuotas"), odd),
            places=rows(("provincia", "sucursal", "plataforma"), odd),
            products=rows(("categoria", "producto"), odd),
        ),
        rango="24h",
    )
    msgspec.json.encode(found)
    assert found["failed"] == []
    for name in ("payments", "provinces", "stores", "platforms", "categories", "products"):
        assert {"name": "usual", "approved": 9}.items() <= next(
            row for row in found[name] if row["name"] == "usual"
        ).items()


def test_sum_beyond_64_bits_stops_at_the_limit() -> None:
    absurd = {"estado": "aprobada", "events": 1, "amount": 9 * 10**18}
    series = [{**absurd, "moment": f"2026-11-24T14:0{n}:00.000Z"} for n in range(3)]
    found = look(Druid(series=series), rango="24h")
    assert found["totals"]["current"]["revenue_centavos"] == 2**63 - 1
    msgspec.json.encode(found)


#: Sections that are built from each query.
OF_QUERY = {
    "payments": {"payments", "issuers", "instalments"},
    "places": {"platforms", "provinces", "stores"},
    "series": {"current", "series"},
    "latest": {"latest"},
    "states": {"yesterday"},
    "products": {"before", "changes", "categories", "products"},
}


@pytest.mark.parametrize(("query", "sections"), OF_QUERY.items())
@pytest.mark.parametrize("odd", [DruidError("Incomplete surrogate pair"), [{"unlike": 1}]])
def test_failed_query_breaks_only_its_own_sections_and_is_logged(
    query: str,
    sections: set[str],
    odd: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 0)

    class Odd(Druid):
        def sql(self, text: str, parameters: list[Any], **how: Any) -> list[dict[str, Any]]:
            rows = super().sql(text, parameters, **how)
            if self.asked[-1][0] != query:
                return rows
            if isinstance(odd, DruidError):
                raise odd
            return list(odd)

    usual = look(Druid(), rango="6h")
    found = look(Odd(), rango="6h")
    lost = set(found["failed"])
    if isinstance(odd, DruidError) or query != "latest":
        assert lost == sections
        assert any(f"{section!r}" in caplog.text for section in sections)
    kept = usual.keys() - sections - {"failed", "totals", "rising", "falling"}
    assert {name: found[name] for name in kept} == {name: usual[name] for name in kept}
    for name, totals in usual["totals"].items():
        assert found["totals"][name] == (None if name in lost else totals)


def test_events_that_druid_cannot_write_are_queried_as_sums() -> None:
    class Refusing(Druid):
        def sql(self, text: str, parameters: list[Any], **how: Any) -> list[dict[str, Any]]:
            rows = super().sql(text, parameters, **how)
            if self.asked[-1][0] == "events":
                raise DruidError("Incomplete surrogate pair")
            return rows

    series = [{"moment": "2026-11-24T15:00:00.000Z", "estado": "pendiente", "events": 3}]
    found = look(Refusing(series=[{**series[0], "amount": 1}]))
    assert (found["totals"]["current"]["sales"], found["failed"]) == (3, [])


def test_druid_that_refuses_every_query_raises() -> None:
    class Refusing:
        def sql(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
            raise DruidError("not so")

    with pytest.raises(DruidError, match="not so"):
        look(Refusing(), rango="24h")


@pytest.mark.parametrize("trouble", [DruidUnreachableError("away"), QueryTimeoutError("slow")])
def test_error_of_druid_as_a_whole_raises_from_any_section(trouble: DruidError) -> None:
    class Late(Druid):
        def sql(self, text: str, parameters: list[Any], **how: Any) -> list[dict[str, Any]]:
            rows = super().sql(text, parameters, **how)
            if self.asked[-1][0] == "places":
                raise trouble
            return rows

    with pytest.raises(type(trouble)):
        look(Late(), rango="24h")


def test_products_without_a_name_are_listed_among_the_changes() -> None:
    changes = changed({None: 12, "yerba": 20}, {None: 2, "yerba": 40})
    assert [change["name"] for change in changes] == [None, "yerba"]
