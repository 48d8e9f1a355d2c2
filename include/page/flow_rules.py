"""Judge the parts of the flow together: whether a window sells, and whether the VM is on.

`include.page.flow_health` judges each part alone. This module knows the other parts too, so a pause
in the sales is no fault while no window publishes. The conditions come from the validation:
``when`` and ``without`` of the check files, and the seconds that `include.druid.health` allows. The
usual pace comes from the defaults of the window's form. All functions are pure.

The runs arrive in the browser's request, because the browser reads them in Airflow's own API with
its user's permissions. So this project holds no copy of Airflow's access rules and does not read
Airflow's tables. A viewer who sends invented runs deceives nobody else: the rules change nothing,
store nothing, and answer that viewer only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from include.druid.check_file import Check
from include.druid.health import FIRST_SALE_SECONDS, STARTING_SECONDS
from include.names import LOAD_TASK, PUBLISH_TASK
from include.page.flow_health import Part, State, checks
from include.sales.faults import GARBLED
from include.sales.incidents import OMITTED
from include.sales.limits import RATE_OF_FIELD

PUBLISHERS: Final = (PUBLISH_TASK, LOAD_TASK)
"""The tasks that publish a window's sales: as they happen, and in mode `load`."""

_QUEUED: Final = timedelta(seconds=30)
"""Time in which Airflow starts a queued run if nothing holds the run back."""

_FIRST_SALE: Final = timedelta(seconds=FIRST_SALE_SECONDS)

_STATES: Final[tuple[State, ...]] = ("none", "good", "attention", "bad")

Stage = Literal["queued", "opening", "publishing", "retrying", "stopped", "closing"]

#: Stage of a window by the state of its publishing task. If the instances of a mapped task differ,
#: the first of these states counts.
_STAGES: Final[Mapping[str | None, Stage]] = {
    "running": "publishing",
    "up_for_retry": "retrying",
    "failed": "stopped",
    "success": "closing",
}

#: State of a validation by the worst status of its results.
_STATUSES: Final[Mapping[str, State]] = {"error": "bad", "warning": "attention", "ok": "good"}

#: Fields of a window's form that decide the pauses between sales.
_GAPS: Final = ("minimum_gap", "maximum_gap")
_PACE: Final = ("mode", *_GAPS)

Moment = Annotated[datetime, Meta(tz=True)]


class Task(Struct, frozen=True):
    """A task instance of a run, with the field names of Airflow's API."""

    task_id: str
    state: str | None = None
    start_date: Moment | None = None


class Run(Struct, frozen=True):
    """A queued or running DAG run, with the field names of Airflow's API, and its tasks."""

    dag_id: str
    dag_run_id: Annotated[str, Meta(min_length=1, max_length=250)]
    state: str
    run_type: str
    run_after: Moment
    queued_at: Moment | None = None
    start_date: Moment | None = None
    data_interval_end: Moment | None = None
    conf: dict[str, Any] | None = None
    tasks: tuple[Task, ...] = ()


class Validation(Struct, frozen=True):
    """A run of the validation; `totals` counts its results by status, None without a summary."""

    state: str
    run_after: Moment
    end_date: Moment | None = None
    totals: dict[str, int] | None = None


class Trouble(Struct, frozen=True):
    """Why a part cannot be read: `code` is the key of the page's text, `told` fills it in."""

    code: str
    told: str

    def part(self, state: State = "none", reason: str = "trouble", vm: Part | None = None) -> Part:
        """Return a part with this trouble; it began when the state of `vm` did."""
        numbers = {"code": self.code, "told": self.told}
        return Part(state, reason, vm.since if vm else None, numbers)


def worst(states: Iterable[State]) -> State:
    """Return the worst of some states; `none` if there is none."""
    return max(states, key=_STATES.index, default="none")


def publisher(run: Run) -> Task | None:
    """Return the task of a window that publishes; None before it begins."""
    begun = [task for task in run.tasks if task.task_id in PUBLISHERS and task.state in _STAGES]
    return min(begun, key=lambda task: list(_STAGES).index(task.state), default=None)


def stage(run: Run) -> Stage:
    if run.state == "queued":
        return "queued"
    task = publisher(run)
    return _STAGES[task.state] if task else "opening"


def windows_part(windows: Sequence[Run], now: datetime) -> Part:
    """Return the part of the windows: the stage of the window that most needs attention."""
    if not windows:
        return Part("none", "no_windows")
    found: list[tuple[State, str, Run]] = []
    for run in windows:
        its: str = stage(run)
        if its == "queued" and now - (run.queued_at or run.run_after) > _QUEUED:
            its = "held"
        state: State = "attention" if its in ("held", "retrying", "stopped") else "good"
        found.append((state, its, run))
    state, its, run = max(found, key=lambda each: _STATES.index(each[0]))
    return Part(state, f"stage_{its}", run.start_date or run.queued_at)


def planned_end(
    run: Run, defaults: Mapping[str, Any], first_sale: datetime | None
) -> datetime | None:
    """Return when a window stops selling, by the rules of the operator that publishes.

    None if that is not known yet, and for a load, which ends when all its sales are published.

    Args:
        run: the window.
        defaults: the values of the form that a run without its own values uses.
        first_sale: moment of the window's first committed sale; None if there is none yet.
    """
    form = _form(run, defaults)
    if form.get("mode") == "load":
        return None
    if run.run_type == "scheduled":
        return run.data_interval_end
    # A window that begins in the past counts its minutes from the moment it was asked for.
    begins = run.run_after if form.get("starts_at") else first_sale
    minutes = _number(form.get("duration_minutes"))
    if begins is None or minutes is None:
        return None
    try:
        return begins + timedelta(minutes=minutes)
    except (OverflowError, ValueError):
        return None


def validation_state(run: Validation) -> State | Literal["running"]:
    if not run.end_date:
        return "running"
    if run.totals is None:
        return "bad" if run.state == "failed" else "none"
    return next((state for status, state in _STATUSES.items() if run.totals.get(status)), "none")


def validation_part(runs: Sequence[Validation]) -> Part:
    """Return the part of the validation: the state of the last of its runs, the newest first."""
    ended = [run for run in runs if run.end_date]
    if not ended:
        return Part("none", "no_runs")
    state = validation_state(ended[0])
    assert state != "running"  # noqa: S101 - the run has ended
    *_, oldest = takewhile(lambda run: validation_state(run) == state, ended)
    return Part(state, f"validation_{state}", oldest.run_after, dict(ended[0].totals or {}))


def judge(
    found: Mapping[str, Part | Trouble],
    windows: Sequence[Run] | None,
    vm_in_use: bool,
    defaults: Mapping[str, Any],
    now: datetime,
) -> dict[str, Part]:
    """Return each part of the flow, judged by the other parts too.

    Args:
        found: the parts by name, as `flow_health` and `vm_card` judge them.
        windows: the queued and running windows; None if they cannot be read.
        vm_in_use: whether a run needs the VM.
        defaults: the values of the window's form that a run without its own values uses.
        now: moment at which the parts were read.
    """
    publishing = [run for run in windows or () if stage(run) == "publishing"]
    vm, supervisor = found["vm"], found["supervisor"]
    judged = {
        name: _troubled(part, vm, bool(publishing)) if isinstance(part, Trouble) else part
        for name, part in found.items()
    }
    is_suspended = isinstance(supervisor, Part) and supervisor.reason == "suspended"
    if windows is not None:
        for name, part in found.items():
            if isinstance(part, Part) and (check := checks().get(name)):
                judged[name] = _under_conditions(
                    part, check, publishing, is_suspended, defaults, now
                )
    if is_suspended and publishing:
        judged["supervisor"] = replace(
            judged["supervisor"], state="bad", reason="suspended_selling"
        )
    if windows is not None and judged["vm"].reason == "vm_on" and not vm_in_use:
        judged["vm"] = replace(judged["vm"], state="attention", reason="vm_idle")
    if _is_off(vm) and publishing:
        judged["vm"] = replace(judged["vm"], state="bad", reason="vm_off_selling")
    return judged


def _under_conditions(
    part: Part,
    check: Check,
    publishing: Sequence[Run],
    is_suspended: bool,
    defaults: Mapping[str, Any],
    now: datetime,
) -> Part:
    """Return a part that a check judged, without a state if the check's conditions do not hold."""
    reason = ""
    if check.when == "window_open":
        reason = _not_expected(publishing, is_suspended, now)
    if not reason and part.reason == "beyond":
        forms = [_form(run, defaults) for run in publishing]
        if any(_injected(form).intersection(check.without) for form in forms):
            reason = "injected_faults"
        elif check.name == "cadence" and not all(_has_usual_pace(it, defaults) for it in forms):
            reason = "other_pace"
    if not reason:
        return part
    numbers = {**part.numbers, "usual_gaps": [defaults.get(field) for field in _GAPS]}
    numbers.pop("limits", None)
    return replace(part, state="none", reason=reason, numbers=numbers)


def _not_expected(publishing: Sequence[Run], is_suspended: bool, now: datetime) -> str:
    """Return why Druid need not show new sales now, as the key of a text; "" if it has to.

    These are the conditions of `ventas_airflow.preconditions.sales_expected`.
    """
    tasks = [task for run in publishing if (task := publisher(run))]
    # The sales of a load happened before it, by its simulated clock.
    begun = [task.start_date for task in tasks if task.task_id == PUBLISH_TASK]
    if not tasks:
        return "no_window"
    if not begun:
        return "load"
    if is_suspended:
        return "not_ingested"
    if all(start and now - start < _FIRST_SALE for start in begun):
        return "window_opens"
    return ""


def _injected(form: Mapping[str, Any]) -> set[str]:
    """Return the kinds of faults that a window injects on purpose; incidents may omit sales."""
    rates = [rate for field, rate in RATE_OF_FIELD.items() if _number(form.get(field))]
    rates += [OMITTED] if form.get("incidents") else []
    return {kind for rate in rates for kind in (GARBLED if rate == "malformado" else (rate,))}


def _has_usual_pace(form: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Return whether a window sells at the pace that the check expects: that of the defaults."""
    return all(_plain(form.get(field)) == _plain(defaults.get(field)) for field in _PACE)


def _form(run: Run, defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**defaults, **(run.conf or {})}


def _troubled(trouble: Trouble, vm: Part | Trouble, is_publishing: bool) -> Part:
    """Return the part for a failed request: no fault while the VM is off and no window sells."""
    if trouble.code not in ("unreachable", "refused"):
        return trouble.part()
    if isinstance(vm, Part):
        if _is_off(vm) and not is_publishing:
            return trouble.part(reason="druid_off", vm=vm)
        is_young = vm.reason == "vm_on" and (vm.numbers["seconds"] or 0.0) < STARTING_SECONDS
        if vm.reason == "vm_changing" or is_young:
            return trouble.part(reason="druid_starts", vm=vm)
    # Druid that refuses answers at least, and says what is wrong.
    if trouble.code == "refused":
        return trouble.part("attention")
    return trouble.part("bad", "druid_unreachable")


def _is_off(vm: Part | Trouble) -> bool:
    return isinstance(vm, Part) and vm.reason in ("vm_off", "vm_missing")


def _plain(value: object) -> object:
    """Return a number as a float, so that 1, 1.0 and "1" are equal; other values as they are."""
    number = _number(value)
    return value if number is None else number


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
