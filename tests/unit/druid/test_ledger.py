"""Equality of Druid and the ledger, cell by cell."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from include.druid.ledger import GRACE, Cell, Sums, closed_minutes, compare
from include.sales.event import ESTADOS

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


@given(BOOKS, BOOKS)
def test_exactly_the_cells_that_differ_are_counted(
    ledger: dict[Cell, Sums], druid: dict[Cell, Sums]
) -> None:
    found = compare(ledger, druid)
    assert found.numbers["diferencias"] == sum(
        ledger.get(cell) != druid.get(cell) for cell in {**ledger, **druid}
    )
    assert found.status == ("error" if found.numbers["diferencias"] else "ok")


def test_a_difference_is_told_by_run_minute_state_and_number() -> None:
    doubled = TWO._replace(eventos=3, unidades=4)
    assert compare({SALE: TWO}, {SALE: doubled}).message == (
        "mañana, 2026-11-24T12:00:00Z, aprobada: eventos 3 en vez de 2, unidades 4 en vez de 3"
    )


def test_one_centavo_is_a_difference() -> None:
    found = compare({SALE: TWO}, {SALE: TWO._replace(importe_centavos=690001)})
    assert found.message.endswith("aprobada: importe_centavos 690001 en vez de 690000")


def test_a_minute_that_druid_lacks_and_one_that_the_ledger_lacks() -> None:
    assert "eventos 0 en vez de 2" in compare({SALE: TWO}, {}).message
    assert compare({}, {SALE: TWO}).message.endswith("sin libro, y Druid tiene 2 eventos")


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
