"""Starts of the windows' runs, asked repeatedly and by several processes, as Airflow does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from hypothesis import given
from hypothesis import strategies as st

from ventas_airflow.timetable import JUST_OPENED, SimulationWindowTimetable

HERE = ZoneInfo("America/Argentina/Buenos_Aires")
#: 24 November 2026 is a Tuesday; stores are open from 12:00 to 24:00 in UTC.
OPENS = pendulum.datetime(2026, 11, 24, 12)
FREE = TimeRestriction(earliest=None, latest=None, catchup=False)


def interval(start: datetime) -> DataInterval:
    opening = pendulum.instance(start)
    return DataInterval(opening, opening.add(hours=12))


def ask(
    now: datetime,
    last: DataInterval | None = None,
    restriction: TimeRestriction = FREE,
    timetable: SimulationWindowTimetable | None = None,
) -> DagRunInfo | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pendulum, "now", lambda _: pendulum.instance(now))
        return (timetable or SimulationWindowTimetable()).next_dagrun_info(
            last_automated_data_interval=last, restriction=restriction
        )


def start(info: DagRunInfo | None) -> datetime:
    assert info is not None
    assert info.data_interval is not None
    assert info.run_after == info.data_interval.start
    return info.run_after


def test_run_starts_at_the_opening_and_its_interval_is_the_window() -> None:
    info = ask(OPENS.subtract(hours=3))
    assert info is not None
    assert info.run_after == OPENS
    assert info.data_interval == interval(OPENS)
    assert info.data_interval.end.astimezone(HERE).hour == 21
    assert info.run_after.timezone_name == "UTC"


@given(minutes=st.integers(6, 12 * 60))
def test_dag_unpaused_during_a_window_waits_for_the_next_day(minutes: int) -> None:
    assert start(ask(OPENS.add(minutes=minutes))) == OPENS.add(days=1)


@given(
    asked=st.lists(st.integers(0, 2 * 60 * 60), min_size=1),
    created=st.integers(0, JUST_OPENED.seconds - 1),
)
def test_answer_stays_the_same_until_the_run_is_created(asked: list[int], created: int) -> None:
    """The DAG processor asks every half minute; the scheduler creates the run a moment later.

    `created`: seconds from the opening to the creation of the run; `asked`: seconds before that.
    """
    made = OPENS.add(seconds=created)
    answers = {start(ask(made.subtract(seconds=seconds))) for seconds in asked}
    assert answers == {OPENS}


def test_late_scheduler_starts_the_open_window_and_no_earlier_one() -> None:
    three_days_ago = interval(OPENS.subtract(days=3))
    assert start(ask(OPENS.add(hours=5), three_days_ago)) == OPENS
    assert start(ask(OPENS.add(hours=13), three_days_ago)) == OPENS.add(days=1)


def test_next_run_after_todays_is_tomorrows_at_any_time() -> None:
    for hours in (0, 5, 12, 20):
        assert start(ask(OPENS.add(hours=hours), interval(OPENS))) == OPENS.add(days=1)


def test_catchup_gives_every_missed_window_a_run() -> None:
    now = OPENS.add(hours=5)
    restriction = TimeRestriction(earliest=OPENS.subtract(days=2), latest=None, catchup=True)
    starts, last = [], None
    while (following := start(ask(now, last, restriction))) <= now:
        starts.append(following)
        last = interval(following)
    assert starts == [OPENS.subtract(days=2), OPENS.subtract(days=1), OPENS]


@pytest.mark.parametrize("catchup", [True, False])
def test_no_run_starts_before_the_start_date_or_after_the_end_date(catchup: bool) -> None:
    """A run whose logical date is before its tasks' start date would have no tasks."""
    now = OPENS.subtract(days=1)
    middle = TimeRestriction(earliest=OPENS.add(hours=3), latest=None, catchup=catchup)
    assert start(ask(now, None, middle)) == OPENS.add(days=1)
    opening = TimeRestriction(earliest=OPENS, latest=OPENS, catchup=catchup)
    assert start(ask(now, None, opening)) == OPENS
    assert ask(now, interval(OPENS), opening) is None


@given(
    weekdays=st.sets(st.integers(0, 6), min_size=1),
    opens=st.integers(0, 22 * 60),
    length=st.integers(1, 60),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
def test_windows_are_only_on_the_given_weekdays_and_hours(
    weekdays: set[int], opens: int, length: int, now: datetime
) -> None:
    closes = opens + length
    timetable = SimulationWindowTimetable(
        f"{opens // 60:02}:{opens % 60:02}",
        f"{closes // 60:02}:{closes % 60:02}",
        tuple(weekdays),
    )
    # The scheduler reads the timetable from the database: the copy must be equal.
    timetable = SimulationWindowTimetable.deserialize(timetable.serialize())
    info = ask(now, timetable=timetable)
    assert info is not None
    assert info.data_interval is not None
    local = info.data_interval.start.astimezone(HERE)
    assert local.weekday() in weekdays
    assert local.hour * 60 + local.minute == opens
    assert (info.data_interval.end - info.data_interval.start) == timedelta(minutes=length)
    assert now - JUST_OPENED <= local <= now + timedelta(days=8)


def test_serialised_timetable_is_plain_data_and_reads_back_equal() -> None:
    timetable = SimulationWindowTimetable("08:30", "13:00", (5, 6), "America/Montevideo")
    data = timetable.serialize()
    assert data == {
        "opens": "08:30",
        "closes": "13:00",
        "weekdays": [5, 6],
        "timezone": "America/Montevideo",
    }
    assert SimulationWindowTimetable.deserialize(data).serialize() == data
    assert timetable.summary == "08:30-13:00"
    assert "de 08:30 a 13:00 (America/Montevideo)" in timetable.description


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"opens": "nine"}, "nine"),
        ({"opens": "21:00", "closes": "09:00"}, "stores must close later"),
        ({"weekdays": ()}, "weekdays"),
        ({"timezone": "Argentina/Nowhere"}, "Argentina/Nowhere"),
    ],
)
def test_invalid_hours_weekdays_or_zone_are_refused(
    arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        SimulationWindowTimetable(**arguments)  # type: ignore[arg-type]


def test_interval_of_a_manual_run_has_no_length() -> None:
    moment = OPENS.add(hours=1)
    manual = SimulationWindowTimetable().infer_manual_data_interval(run_after=moment)
    assert manual == DataInterval.exact(moment)
