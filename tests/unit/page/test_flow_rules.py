"""Rules that judge the parts of the flow together, with the windows and the VM."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from include.page.flow_health import Part, State, checks
from include.page.flow_rules import (
    Run,
    Task,
    Trouble,
    Validation,
    judge,
    planned_end,
    publisher,
    stage,
    validation_part,
    validation_state,
    windows_part,
    worst,
)
from include.sales.faults import GARBLED
from include.sales.limits import RATE_OF_FIELD

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=5)
DEFAULTS = {
    "mode": "cadence",
    "minimum_gap": 1.0,
    "maximum_gap": 2.0,
    "duration_minutes": 10.0,
    "starts_at": None,
    **dict.fromkeys(RATE_OF_FIELD, 0.0),
}
GOOD = {
    "cadence": Part("good", "within"),
    "freshness": Part("good", "within"),
    "ledger": Part("good", "equal"),
    "supervisor": Part("good", "reading"),
    "kafka": Part("good", "kafka_answers"),
    "vm": Part("good", "vm_on", NOON, {"seconds": 3600.0}),
}
BEYOND = Part("attention", "beyond", NOON, {"limits": []})


def window(*tasks: Task, conf: dict[str, Any] | None = None, **changes: Any) -> Run:
    """Return a running window that was triggered and began at noon."""
    begun = {"queued_at": NOON, "start_date": NOON, "conf": conf, "tasks": tasks, **changes}
    run = {"dag_id": "sales_window", "dag_run_id": "r1", "state": "running", "run_type": "manual"}
    return Run(**{**run, "run_after": NOON, **begun})


def selling(
    conf: dict[str, Any] | None = None, task: str = "publish_sales", since: datetime = NOON
) -> Run:
    return window(Task(task, "running", since), conf=conf)


def flow(
    *windows: Run, in_use: bool = True, known: bool = True, **parts: Part | Trouble
) -> dict[str, Part]:
    """Return the judged parts; those that are not given are good."""
    return judge({**GOOD, **parts}, windows if known else None, in_use, DEFAULTS, NOW)


def told(part: Part) -> tuple[State, str]:
    return part.state, part.reason


def test_flow_with_a_window_that_sells_stays_good() -> None:
    assert flow(selling()) == GOOD


@pytest.mark.parametrize("name", ["cadence", "freshness"])
@pytest.mark.parametrize(
    ("windows", "reason"),
    [
        ([], "no_window"),
        ([window(Task("start_vm", "running", NOON))], "no_window"),
        ([window(Task("publish_sales", "success", NOON))], "no_window"),
        ([selling(since=NOW - timedelta(seconds=59))], "window_opens"),
        ([selling(task="load_sales")], "load"),
    ],
)
def test_late_sales_are_not_judged_while_no_live_sales_are_expected(
    name: str, windows: list[Run], reason: str
) -> None:
    late: dict[str, Any] = {name: replace(BEYOND, state="bad")}
    assert told(flow(*windows, **late)[name]) == ("none", reason)
    assert flow(*windows, **late)["kafka"] == GOOD["kafka"]


@pytest.mark.parametrize("name", ["cadence", "freshness"])
def test_late_sales_of_a_window_that_sells_for_a_minute_keep_their_state(name: str) -> None:
    run = selling(since=NOW - timedelta(seconds=60))
    late: dict[str, Any] = {name: BEYOND}
    assert flow(run, **late)[name] == BEYOND


def test_late_sales_keep_their_state_if_the_windows_are_unknown() -> None:
    assert flow(known=False, freshness=BEYOND)["freshness"] == BEYOND


def test_only_the_parts_of_checks_for_open_windows_depend_on_the_windows() -> None:
    when = {name: check.when for name, check in checks().items()}
    changed = {name for name, part in flow().items() if part != GOOD[name]}
    assert changed == {name for name in GOOD if when.get(name) == "window_open"}
    assert changed == {"cadence", "freshness"}


@pytest.mark.parametrize("field", RATE_OF_FIELD)
def test_cadence_is_not_judged_with_injected_faults_that_its_check_names(field: str) -> None:
    rate = RATE_OF_FIELD[field]
    kinds = GARBLED if rate == "malformado" else (rate,)
    assert set(kinds) & set(checks()["cadence"].without)
    found = flow(selling({field: 2}), cadence=BEYOND, freshness=BEYOND)
    assert told(found["cadence"]) == ("none", "injected_faults")
    assert found["freshness"] == BEYOND, "its check names no faults"
    assert flow(selling({field: 2}))["cadence"] == GOOD["cadence"], "within the bounds"


def test_cadence_is_not_judged_with_incidents_that_may_omit_sales() -> None:
    found = flow(selling({"incidents": ["menos_ventas"]}), cadence=BEYOND)
    assert told(found["cadence"]) == ("none", "injected_faults")
    assert flow(selling({"incidents": []}), cadence=BEYOND)["cadence"] == BEYOND


@pytest.mark.parametrize("conf", [{"mode": "curve"}, {"minimum_gap": 0.5}, {"maximum_gap": "x"}])
def test_cadence_of_another_pace_than_the_forms_is_not_judged(conf: dict[str, Any]) -> None:
    found = flow(selling(conf), cadence=BEYOND, freshness=BEYOND)
    assert told(found["cadence"]) == ("none", "other_pace")
    assert found["cadence"].numbers == {"usual_gaps": [1.0, 2.0]}, "no limits of a card not judged"
    assert found["freshness"] == BEYOND


@pytest.mark.parametrize("conf", [None, {}, {"minimum_gap": 1, "maximum_gap": "2"}, {"seed": 7}])
def test_cadence_of_the_forms_pace_is_judged(conf: dict[str, Any] | None) -> None:
    assert flow(selling(conf), cadence=BEYOND)["cadence"] == BEYOND


def test_suspended_ingestion_is_bad_while_a_window_sells_and_is_the_only_fault() -> None:
    suspended = Part("none", "suspended")
    assert flow(supervisor=suspended)["supervisor"] == suspended
    found = flow(selling(), supervisor=suspended, freshness=replace(BEYOND, state="bad"))
    assert told(found["supervisor"]) == ("bad", "suspended_selling")
    assert told(found["freshness"]) == ("none", "not_ingested")


def test_vm_that_no_run_needs_wants_attention() -> None:
    assert told(flow(in_use=False)["vm"]) == ("attention", "vm_idle")
    assert flow(in_use=False, known=False)["vm"] == GOOD["vm"]


@pytest.mark.parametrize("reason", ["vm_off", "vm_missing"])
def test_vm_that_is_off_is_bad_only_while_a_window_sells(reason: str) -> None:
    off = Part("good" if reason == "vm_off" else "none", reason, NOON)
    assert flow(vm=off)["vm"] == off
    assert told(flow(selling(), vm=off)["vm"]) == ("bad", "vm_off_selling")


@pytest.mark.parametrize(
    ("vm", "windows", "unreachable", "refused"),
    [
        (Part("good", "vm_off", NOON), [], ("none", "druid_off"), ("none", "druid_off")),
        (Part("none", "vm_missing", NOON), [], ("none", "druid_off"), ("none", "druid_off")),
        (
            Part("good", "vm_off", NOON),
            [selling()],
            ("bad", "druid_unreachable"),
            ("attention", "trouble"),
        ),
        (Part("attention", "vm_changing", NOON), [], *[("none", "druid_starts")] * 2),
        (Part("good", "vm_on", NOON, {"seconds": 179.0}), [], *[("none", "druid_starts")] * 2),
        (
            Part("good", "vm_on", NOON, {"seconds": 180.0}),
            [],
            ("bad", "druid_unreachable"),
            ("attention", "trouble"),
        ),
        (Trouble("offline", "no"), [], ("bad", "druid_unreachable"), ("attention", "trouble")),
    ],
)
def test_druid_that_fails_is_no_fault_while_its_vm_is_off_or_young(
    vm: Part | Trouble,
    windows: list[Run],
    unreachable: tuple[str, str],
    refused: tuple[str, str],
) -> None:
    for code, expected in (("unreachable", unreachable), ("refused", refused)):
        part = flow(*windows, vm=vm, ledger=Trouble(code, "why"))["ledger"]
        assert told(part) == expected
        assert part.numbers == {"code": code, "told": "why"}
        assert part.since == (NOON if expected[0] == "none" else None)


@pytest.mark.parametrize("code", ["empty", "slow", "kafka", "unexpected"])
def test_other_trouble_shows_itself_and_leaves_the_other_parts(code: str) -> None:
    found = flow(selling(), freshness=Trouble(code, "why"), vm=Trouble(code, "no"))
    assert told(found["freshness"]) == told(found["vm"]) == ("none", "trouble")
    assert found["freshness"].numbers == {"code": code, "told": "why"}
    assert {name for name in GOOD if found[name] == GOOD[name]} == {*GOOD} - {"freshness", "vm"}


def test_trouble_of_the_sales_stays_without_a_window() -> None:
    assert told(flow(cadence=Trouble("empty", ""))["cadence"]) == ("none", "trouble")


@pytest.mark.parametrize(
    ("state", "tasks", "expected"),
    [
        ("queued", [], "queued"),
        ("running", [], "opening"),
        ("running", [("publish_sales", None)], "opening"),
        ("running", [("publish_sales", "queued")], "opening"),
        ("running", [("start_vm", "failed")], "opening"),
        ("running", [("publish_sales", "running"), ("load_sales", "skipped")], "publishing"),
        ("running", [("publish_sales", "skipped"), ("load_sales", "running")], "publishing"),
        ("running", [("load_sales", "success"), ("load_sales", "running")], "publishing"),
        ("running", [("load_sales", "failed"), ("load_sales", "up_for_retry")], "retrying"),
        ("running", [("publish_sales", "failed")], "stopped"),
        ("running", [("publish_sales", "success")], "closing"),
    ],
)
def test_stage_of_a_window_follows_its_publishing_task(
    state: str, tasks: list[tuple[str, str | None]], expected: str
) -> None:
    assert stage(window(*(Task(*task) for task in tasks), state=state)) == expected


def test_publisher_is_the_task_that_was_not_skipped() -> None:
    load = Task("load_sales", "running")
    assert publisher(window(Task("publish_sales", "skipped"), load)) == load
    assert publisher(window(Task("publish_sales", None))) is None


def test_windows_part_has_the_stage_that_most_needs_attention() -> None:
    assert told(windows_part([], NOW)) == ("none", "no_windows")
    later = NOON + timedelta(minutes=1)
    stopped = window(Task("publish_sales", "failed"), start_date=later)
    part = windows_part([selling(), stopped], NOW)
    assert (*told(part), part.since) == ("attention", "stage_stopped", later)
    assert told(windows_part([selling()], NOW)) == ("good", "stage_publishing")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(30, ("good", "stage_queued")), (31, ("attention", "stage_held"))]
)
def test_window_that_stays_queued_is_held(seconds: int, expected: tuple[str, str]) -> None:
    queued = window(state="queued", start_date=None)
    part = windows_part([queued], NOON + timedelta(seconds=seconds))
    assert (*told(part), part.since) == (*expected, NOON)
    never = window(state="queued", start_date=None, queued_at=None)
    assert told(windows_part([never], NOON + timedelta(seconds=seconds))) == expected


FIRST = NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("conf", "first", "end"),
    [
        (None, FIRST, FIRST + timedelta(minutes=10)),
        ({"duration_minutes": 3}, FIRST, FIRST + timedelta(minutes=3)),
        (None, None, None),
        # The minutes of a window that begins in the past count from the moment it was asked for.
        (
            {"mode": "curve", "starts_at": "2026-11-20T12:00:00Z", "duration_minutes": 5},
            NOON - timedelta(days=4),
            NOON + timedelta(minutes=5),
        ),
        (
            {"mode": "curve", "starts_at": "2026-11-20T12:00:00Z"},
            None,
            NOON + timedelta(minutes=10),
        ),
        ({"mode": "load"}, FIRST, None),
        ({"duration_minutes": "soon"}, FIRST, None),
        ({"duration_minutes": [1]}, FIRST, None),
        ({"duration_minutes": 1e300}, FIRST, None),
        ({"duration_minutes": "nan"}, FIRST, None),
    ],
)
def test_planned_end_follows_the_form(
    conf: dict[str, Any] | None, first: datetime | None, end: datetime | None
) -> None:
    assert planned_end(selling(conf), DEFAULTS, first) == end


def test_planned_end_of_a_scheduled_window_is_its_timetables() -> None:
    closes = NOON + timedelta(hours=9)
    run = window(run_type="scheduled", data_interval_end=closes)
    assert planned_end(run, DEFAULTS, FIRST) == closes
    assert planned_end(run, {}, None) == closes


def test_unknown_defaults_give_no_end_and_judge_the_cadence() -> None:
    assert planned_end(selling(), {}, FIRST) is None
    found = judge({**GOOD, "cadence": BEYOND}, [selling()], True, {}, NOW)
    assert found["cadence"] == BEYOND


def validated(minutes: int, state: str = "success", **totals: int) -> Validation:
    """Return a validation that ended `minutes` before noon; without totals it has no summary."""
    at = NOON - timedelta(minutes=minutes)
    return Validation(state, at, at, totals or None)


@pytest.mark.parametrize(
    ("run", "state"),
    [
        (validated(1, "failed", error=1, warning=2, ok=3), "bad"),
        (validated(1, warning=2, ok=3), "attention"),
        (validated(1, ok=3, error=0), "good"),
        (validated(1, skipped=9), "none"),
        (validated(1, "failed"), "bad"),
        (validated(1, "success"), "none"),
        (Validation("running", NOON), "running"),
    ],
)
def test_validation_has_the_state_of_its_worst_result(run: Validation, state: str) -> None:
    assert validation_state(run) == state


def test_validation_part_is_the_last_run_that_ended_since_its_state_began() -> None:
    runs = [
        Validation("running", NOON),
        validated(5, warning=1, ok=2),
        validated(10, warning=3),
        validated(15, ok=3),
        validated(20, warning=1),
    ]
    part = validation_part(runs)
    assert told(part) == ("attention", "validation_attention")
    assert part.since == NOON - timedelta(minutes=10)
    assert part.numbers == {"warning": 1, "ok": 2}
    assert validation_part(runs[1:3]).since == NOON - timedelta(minutes=10)
    assert told(validation_part(runs[:1])) == told(validation_part([])) == ("none", "no_runs")


def test_worst_state_counts() -> None:
    assert worst(["good", "attention", "none"]) == "attention"
    assert worst(["none", "bad", "good"]) == "bad"
    assert worst([]) == "none"


def test_moment_without_a_time_zone_is_refused() -> None:
    run = {"dag_id": "d", "dag_run_id": "r", "state": "running", "run_type": "manual"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**run, "run_after": "2026-11-24T12:00:00"}, Run)
