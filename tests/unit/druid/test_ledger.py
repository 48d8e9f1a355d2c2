"""Equality of Druid and the ledger, cell by cell."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from include.druid.client import DruidClient
from include.druid.ledger import (
    GRACE,
    Cell,
    Sums,
    closed_minutes,
    compare,
    differences,
    druid_minutes,
)
from include.sales.event import ESTADOS
from tests.unit.druid.support import SQL, Router

CELLS = st.builds(
    Cell,
    corrida=st.sampled_from(["mañana", "tarde"]),
    minuto=st.sampled_from(["2026-11-24T12:00:00Z", "2026-11-24T12:01:00Z"]),
    estado=st.sampled_from(ESTADOS),
)
SUMS = st.builds(Sums, *[st.integers(1, 2**53)] * len(Sums._fields))
BOOKS = st.dictionaries(CELLS, SUMS, min_size=1)

SALE = Cell("mañana", "2026-11-24T12:00:00Z", "aprobada")
TWO = Sums(2, 3, 690000, 119752, 0)


@given(BOOKS)
def test_the_same_sums_are_equal(book: dict[Cell, Sums]) -> None:
    found = compare(book, dict(reversed(book.items())))
    assert (found.status, found.numbers["diferencias"]) == ("ok", 0)


@given(st.data())
def test_exactly_what_was_tampered_with_is_found(data: st.DataObject) -> None:
    ledger, druid, tampered = {}, {}, {}
    for cell, sums in data.draw(st.dictionaries(CELLS, SUMS)).items():
        fault = data.draw(st.sampled_from(["none", "none", "lost", "unknown", "changed"]))
        if fault != "unknown":
            ledger[cell] = sums
        if fault != "lost":
            druid[cell] = sums
        if fault == "changed":
            field = data.draw(st.sampled_from(Sums._fields))
            by = data.draw(st.integers(-(2**53), 2**53).filter(bool))
            druid[cell] = sums._replace(**{field: getattr(sums, field) + by})
        if fault != "none":
            tampered[cell] = (ledger.get(cell), druid.get(cell))

    found = differences(ledger, druid)

    assert {cell: (says, has) for cell, says, has in found} == tampered
    assert [cell for cell, _, _ in found] == sorted(tampered)
    told = compare(ledger, druid)
    assert (told.status == "error", told.numbers["diferencias"]) == (bool(tampered), len(tampered))


@given(BOOKS, BOOKS)
def test_a_minute_in_flight_is_not_judged_whatever_it_holds(
    ledger: dict[Cell, Sums], druid: dict[Cell, Sums]
) -> None:
    every = {cell[:2] for cell in {**ledger, **druid}}
    found = compare(ledger, druid, every)
    assert (found.status, found.numbers["en_curso"]) == ("skipped", len(every))


def test_only_the_run_that_adds_to_a_minute_is_left_out() -> None:
    other = SALE._replace(corrida="tarde")
    found = compare({SALE: TWO, other: TWO}, {}, {("mañana", SALE.minuto)})
    assert (found.status, found.numbers["diferencias"]) == ("error", 1)
    assert found.message.startswith("tarde, ")


def test_a_difference_is_told_by_run_minute_state_and_number() -> None:
    doubled = TWO._replace(eventos=3, unidades=4)
    assert compare({SALE: TWO}, {SALE: doubled}).message == (
        "mañana, 2026-11-24T12:00:00Z, aprobada: eventos 3 en vez de 2, unidades 4 en vez de 3"
        " (2 eventos en el libro, 3 en Druid)"
    )


def test_one_centavo_is_a_difference() -> None:
    found = compare({SALE: TWO}, {SALE: TWO._replace(importe_centavos=690001)})
    assert "aprobada: importe_centavos 690001 en vez de 690000 (" in found.message


def test_a_minute_that_druid_lacks_and_one_that_the_ledger_lacks() -> None:
    lacking = compare({SALE: TWO}, {})
    assert "aprobada: falta en Druid, y el libro tiene 2 eventos (" in lacking.message
    unknown = compare({}, {SALE: TWO})
    assert "aprobada: sin libro, y Druid tiene 2 eventos (" in unknown.message


def test_of_many_differences_the_first_are_told_and_the_others_counted() -> None:
    minutes = [SALE._replace(minuto=f"2026-11-24T12:{minute:02}:00Z") for minute in range(9)]
    found = compare(dict.fromkeys(minutes, TWO), {})
    assert found.message.count("falta en Druid") == 3
    assert "; y 6 diferencias más (18 eventos en el libro, 0 en Druid)" in found.message
    assert found.numbers["diferencias"] == 9


def test_a_run_of_a_foreign_record_is_told_short_and_on_one_line() -> None:
    foreign = Cell("a\n\x1b[2J\ud800", SALE.minuto, "x" * 100_000)
    message = compare({SALE: TWO}, {SALE: TWO, foreign: TWO}).message
    assert message.startswith(rf"a\n\x1b[2J\ud800, {SALE.minuto}, {'x' * 80}…: sin libro")
    assert message.isprintable()


def test_druids_rows_without_a_run_or_a_state_are_one_cell(router: Router) -> None:
    row = {**SALE._asdict(), "corrida": "", **TWO._asdict()}
    without = [{**row, "estado": ""}, {**row, "corrida": None, "estado": None, "unidades": None}]
    router.on("POST", SQL, (200, without))
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    found = druid_minutes(DruidClient(router.url), "ventas", noon, noon + timedelta(minutes=1))
    assert found == {Cell("", SALE.minuto, ""): Sums(4, 3, 1380000, 239504, 0)}


def test_nothing_closed_is_nothing_to_judge() -> None:
    assert compare({}, {}).status == "skipped"


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 1440),
)
def test_only_whole_minutes_that_ended_long_enough_ago_are_judged(now: datetime, back: int) -> None:
    start, end = closed_minutes(now, timedelta(minutes=back))
    assert start <= end
    assert (start.second, start.microsecond, end.second, end.microsecond) == (0, 0, 0, 0)
    assert end == start or end + GRACE <= now < end + GRACE + timedelta(minutes=1)
