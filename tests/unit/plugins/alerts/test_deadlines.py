"""The planned end of a window, from its run in Airflow's database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ventas_airflow.deadlines import PlannedEnd

OPENED = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLOSES = OPENED + timedelta(hours=12)


def planned(run_type: str, conf: dict[str, Any] | None) -> datetime | None:
    run = SimpleNamespace(run_type=run_type, conf=conf, run_after=OPENED, data_interval_end=CLOSES)
    session: Any = SimpleNamespace(scalars=lambda _: SimpleNamespace(one=lambda: run))
    return PlannedEnd()._evaluate_with(session=session, dag_id="sales_window", run_id="r")


@pytest.mark.parametrize(
    ("run_type", "conf", "end"),
    [
        ("scheduled", {"duration_minutes": 5}, CLOSES),
        ("manual", {"duration_minutes": 90}, OPENED + timedelta(minutes=90)),
        ("manual", {}, OPENED + timedelta(minutes=10)),
        ("manual", None, OPENED + timedelta(minutes=10)),
        ("manual", {"mode": "load"}, None),
    ],
)
def test_planned_end_comes_from_the_timetable_or_the_form(
    run_type: str, conf: dict[str, Any] | None, end: datetime | None
) -> None:
    assert planned(run_type, conf) == end


def test_stored_reference_is_read_back_equal() -> None:
    stored = PlannedEnd(30.0).serialize_reference()
    assert stored == {"reference_type": "PlannedEnd", "minutes": 30.0}
    assert PlannedEnd.deserialize_reference(stored) == PlannedEnd(30.0)
    assert PlannedEnd(30.0) != PlannedEnd(10.0)
