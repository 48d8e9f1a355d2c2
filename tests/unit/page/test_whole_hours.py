"""Sums of a long interval: whole hours may be read from Druid's projections, the rest may not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.projections import USE_PROJECTIONS
from include.page.filters import Interval
from include.page.whole_hours import Part, parts

HOUR = timedelta(hours=1)
SOME_MOMENT = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def interval(start: str, end: str) -> Interval:
    return Interval(*(datetime.fromisoformat(f"2026-11-{moment}+00:00") for moment in (start, end)))


@pytest.mark.parametrize(
    ("whole", "found"),
    [
        (
            interval("01T03:00", "30T10:37"),
            [("01T03:00", "30T10:00", True), ("30T10:00", "30T10:37", False)],
        ),
        (
            interval("22T10:20", "29T10:00"),
            [("22T10:20", "22T11:00", False), ("22T11:00", "29T10:00", True)],
        ),
        (interval("28T05:00", "29T06:00"), [("28T05:00", "29T06:00", True)]),
        (interval("28T05:00", "29T05:00"), [("28T05:00", "29T05:00", False)]),
    ],
)
def test_interval_longer_than_a_day_is_split_at_whole_hours(
    whole: Interval, found: list[tuple[str, str, bool]]
) -> None:
    assert parts(whole) == [
        (interval(start, end), USE_PROJECTIONS if is_whole else None)
        for start, end, is_whole in found
    ]


@given(SOME_MOMENT, st.timedeltas(timedelta(), timedelta(days=40)))
def test_parts_cover_the_interval_once_and_only_whole_hours_use_projections(
    start: datetime, length: timedelta
) -> None:
    whole = Interval(start, start + length)
    found = parts(whole)
    ends = [start, *(part.end for part, _ in found)]
    assert [part.start for part, _ in found] == ends[:-1]
    assert ends[-1] == whole.end
    for part, context in found:
        if context:
            assert part.start.timestamp() % 3600 == part.end.timestamp() % 3600 == 0
        else:
            assert part.end - part.start <= (timedelta(days=1) if len(found) == 1 else HOUR)


def test_interval_up_to_the_longest_is_one_part() -> None:
    morning = interval("29T05:10", "29T11:10")
    assert [part.interval for part in parts(morning, 6 * HOUR)] == [morning]
    assert [part.interval for part in parts(morning, 5 * HOUR)] == [
        interval("29T05:10", "29T06:00"),
        interval("29T06:00", "29T11:00"),
        interval("29T11:00", "29T11:10"),
    ]


def test_values_follow_the_interval_in_a_query_of_a_part() -> None:
    asked: list[Any] = []

    class Druid:
        def sql(self, _: str, parameters: list[Any], **options: Any) -> list[dict[str, Any]]:
            asked.append((parameters, options))
            return [{"events": 1}]

    whole = interval("22T10:00", "29T10:00")
    part = Part(whole, USE_PROJECTIONS)
    assert part.ask(Druid(), "SELECT", ["Salta"], timeout=1) == [{"events": 1}]  # type: ignore[arg-type]
    options = {"timeout": 1, "context": USE_PROJECTIONS}
    assert asked == [([*whole.parameters, "Salta"], options)]
