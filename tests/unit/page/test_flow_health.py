"""Judging of each part of the flow: state by the checks' bounds, beginning, and numbers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from include.druid.client import DatasourceMissingError, DruidClient
from include.page.flow_health import cadence, equality, freshness, read_sales, supervisor
from include.sales.sums import Cell, Sums
from tests.unit.druid.support import SQL, Router, status

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = NOON + timedelta(seconds=30)
USUAL = {
    "pausas": 200,
    "pausa_media": 1.5,
    "pausa_p50": 1.4,
    "pausa_p95": 1.95,
    "pausa_maxima": 2.0,
}
FRESH = {"ventas": 400, "segundos_desde_la_ultima": 1.2, "atraso_segundos": -3.0}


def minute(before: int, sales: int = 40) -> dict[str, int]:
    """Return the row of the minute that began `before` minutes before noon."""
    start = int((NOON - timedelta(minutes=before)).timestamp() * 1000)
    return {
        "minute_start": start,
        "sales": sales,
        "events": 2 * sales,
        "first_at": start + 250,
        "last_at": start + 59_500,
    }


def test_usual_cadence_is_good_since_the_first_sale() -> None:
    part = cadence(USUAL, [minute(2), minute(1, 20)], NOW)
    assert (part.state, part.reason) == ("good", "within")
    assert part.since == NOON - timedelta(minutes=2) + timedelta(milliseconds=250)
    assert (part.numbers["sales"], part.numbers["sales_per_minute"]) == (60, 30)
    assert part.numbers["pausa_p50"] == 1.4


def test_minute_without_sales_counts_and_incomplete_minute_does_not() -> None:
    part = cadence(USUAL, [minute(15, 3), minute(3), minute(1), minute(0, 7)], NOW)
    sold = {row["minute"]: row["sales"] for row in part.numbers["per_minute"]}
    assert [sold[minute(before)["minute_start"]] for before in (3, 2, 1)] == [40, 0, 40]
    assert minute(0)["minute_start"] not in sold
    assert minute(15)["minute_start"] not in sold
    assert len(sold) == 14


def test_pauses_beyond_the_bounds_are_reported_with_the_bounds() -> None:
    part = cadence({**USUAL, "pausa_p95": 4.0}, [minute(1)], NOW)
    assert (part.state, part.reason) == ("attention", "beyond")
    assert part.numbers["limits"] == [
        {"column": "pausa_p95", "minimum": None, "maximum": 2.5, "value": 4.0}
    ]


@pytest.mark.parametrize(("minutes", "reason"), [([], "no_sales"), ([minute(0, 3)], "few_sales")])
def test_cadence_is_not_judged_with_no_or_few_sales(
    minutes: list[dict[str, int]], reason: str
) -> None:
    part = cadence({**USUAL, "pausas": 2}, minutes, NOW)
    assert (part.state, part.reason) == ("none", reason)


@pytest.mark.parametrize(("late", "state"), [(-3.0, "good"), (60.0, "good"), (61.0, "bad")])
def test_freshness_is_judged_by_the_age_of_the_newest_event(late: float, state: str) -> None:
    part = freshness({**FRESH, "atraso_segundos": late}, [minute(2), minute(1)])
    assert part.state == state
    assert part.since == NOON - timedelta(milliseconds=500)


def test_freshness_without_events_is_bad() -> None:
    assert freshness({**FRESH, "ventas": 0, "atraso_segundos": None}, []).state == "bad"


def test_sales_are_queried_for_the_last_fifteen_minutes(router: Router) -> None:
    router.on("POST", SQL, (200, [minute(1)]), (200, [USUAL]), (200, [FRESH]))
    found = read_sales(DruidClient(router.url), "ventas", NOW)
    assert {name: part.state for name, part in found.items()} == {
        "cadence": "good",
        "freshness": "good",
    }
    minutes, *checks = [
        [parameter["value"] for parameter in asked.body["parameters"]] for asked in router.asked
    ]
    assert minutes[0] == (NOW - timedelta(minutes=15)).timestamp() * 1000
    assert checks == [[15], [15]]
    assert all(asked.body["context"]["timeout"] < 10_000 for asked in router.asked)


def test_missing_datasource_raises(router: Router) -> None:
    router.on("POST", SQL, (400, {"errorMessage": "Object 'ventas' not found"}))
    with pytest.raises(DatasourceMissingError):
        read_sales(DruidClient(router.url), "ventas", NOW)


@pytest.mark.parametrize(
    ("answers", "failed"),
    [
        ([(500, {"error": "no"}), (200, [FRESH])], {"cadence"}),
        ([(200, [USUAL]), (500, {"error": "no"})], {"freshness"}),
    ],
)
def test_refused_query_fails_its_part_and_the_other_is_judged(
    router: Router,
    answers: list[tuple[int, Any]],
    failed: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    router.on("POST", SQL, (200, [minute(1)]), *answers)
    found = read_sales(DruidClient(router.url, retries=0), "ventas", NOW)
    assert {name for name, part in found.items() if part.reason == "failed"} == failed
    assert {name for name, part in found.items() if part.state == "good"} == {*found} - failed
    [name] = failed
    assert (found[name].state, found[name].numbers) == ("none", {"part": name})
    assert f"{name!r} of the flow cannot be judged" in caplog.text


@pytest.mark.parametrize("odd", [None, "x", 2**63 - 1, -(2**63), float("nan"), [1], {}])
@pytest.mark.parametrize("column", ["minute_start", "sales", "first_at", "last_at"])
def test_odd_number_in_a_minute_still_gives_an_answer(
    router: Router, column: str, odd: object
) -> None:
    odd_minute = {**minute(1), column: odd}
    router.on("POST", SQL, (200, [minute(2), odd_minute]), (200, [USUAL]), (200, [FRESH]))
    found = read_sales(DruidClient(router.url), "ventas", NOW)
    assert set(found) == {"cadence", "freshness"}
    assert all(json.dumps(part.to_dict()) for part in found.values())


def report(**changes: Any) -> dict[str, Any]:
    """Return the status report of a supervisor whose task reads."""
    reading = {
        "aggregateLag": 3,
        "activeTasks": [{"id": "one", "startTime": "2026-11-24T11:30:00.000Z"}],
    }
    return {**status()["payload"], **reading, **changes}


def test_reading_supervisor_is_good_since_its_oldest_task() -> None:
    part = supervisor(report())
    assert (part.state, part.reason, part.since) == (
        "good",
        "reading",
        NOON - timedelta(minutes=30),
    )
    assert (part.numbers["lag"], part.numbers["tasks"]) == (3, 1)


def test_supervisor_with_unknown_lag_is_good() -> None:
    assert supervisor(report(aggregateLag=None)).state == "good"


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"suspended": True}, "none", "suspended"),
        ({"activeTasks": []}, "attention", "no_tasks"),
        ({"aggregateLag": 201}, "attention", "beyond"),
        ({"healthy": False}, "bad", "beyond"),
    ],
)
def test_suspended_idle_late_or_unhealthy_supervisor_is_reported(
    changes: dict[str, Any], state: str, reason: str
) -> None:
    part = supervisor(report(**changes))
    assert (part.state, part.reason) == (state, reason)


def test_unhealthy_supervisor_is_bad_since_its_first_error_and_shows_the_last_errors() -> None:
    errors = [
        {"timestamp": f"2026-11-24T11:5{n}:00.000Z", "message": f"error {n} {'x' * 400}"}
        for n in range(5)
    ]
    part = supervisor(report(healthy=False, recentErrors=errors))
    assert part.since == NOON - timedelta(minutes=10)
    assert [it["message"][:7] for it in part.numbers["errors"]] == [
        "error 2",
        "error 3",
        "error 4",
    ]
    assert max(len(it["message"]) for it in part.numbers["errors"]) == 300


def test_missing_supervisor_is_not_judged() -> None:
    assert supervisor(None).state == "none"


ONE = Cell("r1", "2026-11-24T11:58:00Z", "aprobada")
TWO = ONE._replace(minuto="2026-11-24T11:59:00Z")
SUMS = Sums(2, 3, 690000, 119752, 0)
MORE = replace(SUMS, eventos=3)


def test_equal_minutes_are_good_since_the_first_minute() -> None:
    part = equality({ONE: SUMS, TWO: SUMS}, {ONE: SUMS, TWO: SUMS}, set())
    assert (part.state, part.reason, part.since) == ("good", "equal", NOON - timedelta(minutes=2))
    assert (part.numbers["equal"], part.numbers["differing"]) == (2, 0)


def test_difference_is_bad_only_if_it_lasts() -> None:
    now = equality({ONE: SUMS, TWO: SUMS}, {ONE: SUMS, TWO: MORE}, set())
    assert (now.state, now.since) == ("attention", NOON - timedelta(minutes=1))
    lasting = equality({ONE: SUMS, TWO: SUMS}, {ONE: SUMS, TWO: MORE}, set(), {TWO.minuto})
    assert (lasting.state, lasting.since) == ("bad", NOON - timedelta(minutes=1))
    assert lasting.numbers["minutes"][1] == {
        "minute": TWO.minuto,
        "ledger": 2,
        "druid": 3,
        "state": "differs",
    }


def test_difference_that_has_ended_is_good() -> None:
    assert equality({ONE: SUMS}, {ONE: SUMS}, set(), {ONE.minuto}).state == "good"


def test_minute_in_flight_is_not_judged() -> None:
    part = equality({ONE: SUMS}, {ONE: MORE}, {ONE[:2]})
    assert (part.state, part.reason, part.numbers["open"]) == ("none", "no_closed_minutes", 1)


def test_part_is_converted_to_plain_values() -> None:
    part = equality({ONE: SUMS}, {ONE: SUMS}, set())
    assert part.to_dict()["since"] == "2026-11-24T11:58:00.000+00:00"
