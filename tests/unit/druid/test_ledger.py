"""Comparison of Druid with the ledger, cell by cell."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from include.druid.client import DruidClient
from include.druid.ledger import (
    GRACE,
    closed_minutes,
    compare,
    differences,
    druid_minutes,
)
from include.sales.event import ESTADOS
from include.sales.sums import Cell, Sums
from tests.unit.druid.support import SQL, Router

CELLS = st.builds(
    Cell,
    corrida=st.sampled_from(["mañana", "tarde"]),
    minuto=st.sampled_from(["2026-11-24T12:00:00Z", "2026-11-24T12:01:00Z"]),
    estado=st.sampled_from(ESTADOS),
)
SUMS = st.builds(Sums, *[st.integers(1, 2**53)] * len(Sums.__struct_fields__))
BOOKS = st.dictionaries(CELLS, SUMS, min_size=1)

SALE = Cell("mañana", "2026-11-24T12:00:00Z", "aprobada")
TWO = Sums(2, 3, 690000, 119752, 0)


@given(BOOKS)
def test_same_sums_compare_as_ok(book: dict[Cell, Sums]) -> None:
    found = compare(book, dict(reversed(book.items())))
    assert (found.status, found.numbers["diferencias"]) == ("ok", 0)


@given(st.data())
def test_differences_are_exactly_the_tampered_cells(data: st.DataObject) -> None:
    ledger, druid, tampered = {}, {}, {}
    for cell, sums in data.draw(st.dictionaries(CELLS, SUMS)).items():
        fault = data.draw(st.sampled_from(["none", "none", "lost", "unknown", "changed"]))
        if fault != "unknown":
            ledger[cell] = sums
        if fault != "lost":
            druid[cell] = sums
        if fault == "changed":
            field = data.draw(st.sampled_from(Sums.__struct_fields__))
            by = data.draw(st.integers(-(2**53), 2**53).filter(bool))
            druid[cell] = replace(sums, **{field: getattr(sums, field) + by})
        if fault != "none":
            tampered[cell] = (ledger.get(cell), druid.get(cell))

    found = differences(ledger, druid)

    assert {cell: (says, has) for cell, says, has in found} == tampered
    assert [cell for cell, _, _ in found] == sorted(tampered)
    told = compare(ledger, druid)
    assert (told.status == "error", told.numbers["diferencias"]) == (bool(tampered), len(tampered))


@given(BOOKS, BOOKS)
def test_minute_in_flight_is_not_judged(ledger: dict[Cell, Sums], druid: dict[Cell, Sums]) -> None:
    every = {cell[:2] for cell in {**ledger, **druid}}
    found = compare(ledger, druid, every)
    assert (found.status, found.numbers["en_curso"]) == ("skipped", len(every))


def test_only_the_run_in_flight_is_left_out_of_a_minute() -> None:
    other = SALE._replace(corrida="tarde")
    found = compare({SALE: TWO, other: TWO}, {}, {("mañana", SALE.minuto)})
    assert (found.status, found.numbers["diferencias"]) == ("error", 1)
    assert found.message.startswith("tarde, ")


def test_difference_is_reported_with_run_minute_state_and_numbers() -> None:
    doubled = replace(TWO, eventos=3, unidades=4)
    assert compare({SALE: TWO}, {SALE: doubled}).message == (
        "mañana, 2026-11-24T12:00:00Z, aprobada: eventos 3 en vez de 2, unidades 4 en vez de 3"
        " (2 eventos en el libro, 3 en Druid)"
    )


def test_difference_of_one_centavo_is_found() -> None:
    found = compare({SALE: TWO}, {SALE: replace(TWO, importe_centavos=690001)})
    assert "aprobada: importe_centavos 690001 en vez de 690000 (" in found.message


def test_minute_missing_in_druid_or_in_the_ledger_is_reported() -> None:
    lacking = compare({SALE: TWO}, {})
    assert "aprobada: falta en Druid, y el libro tiene 2 eventos (" in lacking.message
    unknown = compare({}, {SALE: TWO})
    assert "aprobada: sin libro, y Druid tiene 2 eventos (" in unknown.message


def test_first_differences_are_reported_and_the_others_counted() -> None:
    minutes = [SALE._replace(minuto=f"2026-11-24T12:{minute:02}:00Z") for minute in range(9)]
    found = compare(dict.fromkeys(minutes, TWO), {})
    assert found.message.count("falta en Druid") == 3
    assert "; y 6 diferencias más (18 eventos en el libro, 0 en Druid)" in found.message
    assert found.numbers["diferencias"] == 9


def test_foreign_run_and_state_are_shortened_and_escaped() -> None:
    foreign = Cell("a\n\x1b[2J\ud800", SALE.minuto, "x" * 100_000)
    message = compare({SALE: TWO}, {SALE: TWO, foreign: TWO}).message
    assert message.startswith(rf"a\n\x1b[2J\ud800, {SALE.minuto}, {'x' * 80}…: sin libro")
    assert message.isprintable()


def test_rows_without_a_run_or_state_are_summed_in_one_cell(router: Router) -> None:
    row = {**SALE._asdict(), "corrida": "", **asdict(TWO)}
    without = [{**row, "estado": ""}, {**row, "corrida": None, "estado": None, "unidades": None}]
    router.on("POST", SQL, (200, without))
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    found = druid_minutes(DruidClient(router.url), "ventas", noon, noon + timedelta(minutes=1))
    assert found == {Cell("", SALE.minuto, ""): Sums(4, 3, 1380000, 239504, 0)}


def test_comparison_without_closed_minutes_is_skipped() -> None:
    assert compare({}, {}).status == "skipped"


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 1440),
)
def test_closed_minutes_are_whole_and_ended_before_the_grace_time(now: datetime, back: int) -> None:
    start, end = closed_minutes(now, timedelta(minutes=back))
    assert start <= end
    assert (start.second, start.microsecond, end.second, end.microsecond) == (0, 0, 0, 0)
    assert end == start or end + GRACE <= now < end + GRACE + timedelta(minutes=1)
