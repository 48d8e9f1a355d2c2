"""Filters of the live page, as read from a URL."""

from datetime import UTC, datetime, timedelta

import pytest

from include.page.filters import COLUMNS, RANGES, Filters, floor_local, parse_filters
from include.sales.event import FIELDS

NOW = datetime(2026, 11, 24, 15, 7, 31, 250_000, tzinfo=UTC)


def test_empty_parameters_select_the_last_hour_without_filters() -> None:
    filters = parse_filters({})
    assert filters == Filters("1h")
    interval = filters.interval(NOW)
    assert interval.end == NOW
    assert interval.end - interval.start == timedelta(hours=1)
    assert filters.where() == ("", [])


def test_filters_become_conditions_whose_values_are_parameters() -> None:
    nasty = "Visa' OR 1=1 --"
    where, values = parse_filters({"pago": "credito", "emisor": nasty, "provincia": ""}).where()
    assert where == " AND tipo_pago = ? AND emisor = ?"
    assert values == ["credito", nasty]


def test_every_filter_is_a_column_of_the_event() -> None:
    assert set(COLUMNS.values()) <= {field.name for field in FIELDS}


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"provinca": "x"}, "No hay un filtro 'provinca'"),
        ({"rango": "2h"}, "No hay un rango '2h'; hay: 15m"),
        ({"producto": "x" * 201}, "El filtro producto tiene más de 200"),
        ({"hasta": "ayer"}, "hasta es un momento con su huso"),
        ({"hasta": "2026-11-24T12:00:00"}, "hasta es un momento con su huso"),
        ({"hasta": "0001-01-01T00:00:00+14:00"}, "hasta es un momento con su huso"),
    ],
)
def test_unknown_filter_or_invalid_value_is_refused(parameters: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_filters(parameters)


def test_range_may_end_in_the_past() -> None:
    filters = parse_filters({"rango": "24h", "hasta": "2026-11-20T00:00:00-03:00"})
    assert filters.interval(NOW).end == datetime(2026, 11, 20, 3, tzinfo=UTC)


def test_ends_within_a_minute_give_equal_filters() -> None:
    ends = ("12:00:00", "12:00:00.000001", "12:00:59.999999")
    looks = {parse_filters({"hasta": f"2026-11-24T{end}-03:00"}) for end in ends}
    assert looks == {parse_filters({"hasta": "2026-11-24T15:00:00Z"})}


def test_days_begin_at_the_stores_midnight() -> None:
    interval = parse_filters({"rango": "30d"}).interval(NOW)
    assert interval.start == datetime(2026, 10, 25, 3, tzinfo=UTC)
    # 23:45 in Buenos Aires still belongs to the day before.
    late = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)
    assert floor_local(late, timedelta(days=1)) == datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.mark.parametrize("name", RANGES)
def test_viewers_within_one_step_get_the_same_interval(name: str) -> None:
    filters = Filters(name)
    step = filters.range.step
    start = floor_local(NOW, step)
    asked = {filters.interval(start + step * part / 10) for part in range(10)}
    assert len(asked) == 1
