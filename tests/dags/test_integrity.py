"""Rules for every DAG of the project, and dependencies of the window's and back-fill's tasks."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineReference
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.serialization.decoders import decode_deadline_alert
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.encoders import encode_timetable
from airflow.serialization.serialized_objects import DagSerialization

from include.stack.settings import ROOT
from tests.dags.parsing import Parsed, parse_apart
from tests.dags.tasks import task_of
from ventas_airflow.alerts import leave_notice, send_alert, send_late_alert
from ventas_airflow.concurrent_runs import SHARERS, TASKS
from ventas_airflow.deadlines import PlannedEnd
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.report import WriteReportOperator
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator
from ventas_airflow.operators.watch import WatchDruidVmOperator

FILES = sorted((ROOT / "dags").glob("*.py"))
DAGS = ("sales_backfill", "sales_validation", "sales_window")

#: Most processor time of parsing a file, relative to importing Airflow: the DAG processor parses
#: every file twice a minute.
PARSE_LIMIT = 0.5

#: Tasks without retries: they read the project's own files, which a second try would not change.
NOT_RETRIED = {("sales_validation", "list_checks")}

BAD_DAG = """
import contextlib

import confluent_kafka
from airflow.models import DagModel
from airflow.sdk import DAG, BaseHook, Variable
from airflow.utils.session import create_session

with contextlib.suppress(Exception):
    BaseHook.get_connection("kafka_default")
with contextlib.suppress(Exception):
    Variable.get("zone")
with contextlib.suppress(Exception), create_session() as session:
    session.query(DagModel).all()
with DAG("bad"):
    pass
"""


@pytest.fixture(params=DAGS)
def dag(request: pytest.FixtureRequest, dags: DagBag) -> DAG:
    found: DAG = dags.dags[request.param]
    return found


@pytest.fixture
def window(dags: DagBag) -> DAG:
    found: DAG = dags.dags["sales_window"]
    return found


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parsed]:
    """Results of parsing each of the project's files and a bad file, by file name."""
    home = tmp_path_factory.mktemp("airflow")
    bad = home / "bad.py"
    bad.write_text(BAD_DAG, encoding="utf-8")
    # The bad file first: its imports and look-ups must not be counted for the other files.
    files = [bad, *FILES]
    return {file.name: it for file, it in zip(files, parse_apart(files, home), strict=True)}


@pytest.mark.parametrize("file", [file.name for file in FILES])
def test_parsing_a_file_is_quick_and_looks_nothing_up(parsed: dict[str, Parsed], file: str) -> None:
    found = parsed[file]
    assert found.errors == {}
    assert found.dags
    assert found.lookups == []
    assert found.queries == []
    assert found.imported == []
    assert found.share < PARSE_LIMIT


def test_bad_file_is_detected(parsed: dict[str, Parsed]) -> None:
    bad = parsed["bad.py"]
    assert bad.dags == ["bad"]
    assert bad.lookups == ["connection kafka_default", "variable zone"]
    assert bad.imported == ["confluent_kafka"]
    assert len(bad.queries) == 1


def test_every_file_imports_and_no_two_dags_share_a_name(dags: DagBag) -> None:
    assert dags.import_errors == {}
    assert sorted(dags.dags) == sorted(DAGS)
    assert {Path(dag.fileloc) for dag in dags.dags.values()} == set(FILES)
    assert len({dag.dag_display_name for dag in dags.dags.values()}) == len(DAGS)


def test_dag_and_tasks_have_descriptions_and_display_names(dag: DAG) -> None:
    assert dag.dag_display_name != dag.dag_id
    assert dag.description
    assert dag.doc_md
    assert len(dag.doc_md) > 200
    assert "ventas" in dag.tags
    names = [task.task_display_name for task in dag.tasks]
    assert len(set(names)) == len(names)
    assert not {task.task_id for task in dag.tasks} & set(names)


def test_names_of_dags_tasks_and_fields_follow_the_chosen_language(
    dags: DagBag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    spanish, english = (bag.dags["sales_window"] for bag in (dags, DagBag(ROOT / "dags")))
    for dag, titles in (
        (spanish, ("Ventana de simulación de ventas", "Publicar ventas", "Semilla")),
        (english, ("Sales simulation window", "Publish sales", "Seed")),
    ):
        task = dag.get_task("publish_sales")
        title = dag.params.get_param("seed").schema["title"]
        assert (dag.dag_display_name, task.task_display_name, title) == titles


def test_runs_do_not_overlap_or_pile_up(dag: DAG) -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False


def test_every_task_has_an_owner_and_retries(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.owner == "ventas"
        if (dag.dag_id, task.task_id) not in NOT_RETRIED:
            assert (task.retries or 0) >= 1, task.task_id


def test_form_explains_every_field_and_limits_every_number(dag: DAG) -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        schema = param.schema
        assert schema.get("title"), name
        assert schema["title"] != name
        assert len(param.description or "") > 10, name
        # There is a default value, and the form accepts it.
        assert param.resolve() == param.value
        if schema["type"] in ("number", "integer"):
            assert schema["minimum"] <= param.value <= schema["maximum"], name
        # A blank field must be allowed, otherwise the form cannot be sent.
        assert param.value not in ("", []), name
        assert param.value is not None or "null" in schema["type"], name


def test_stored_dag_is_read_back_equal(dag: DAG) -> None:
    stored = json.dumps(DagSerialization.to_dict(dag))
    read: SerializedDAG = DagSerialization.from_dict(json.loads(stored))
    assert read.task_ids == dag.task_ids
    assert encode_timetable(read.timetable) == encode_timetable(dag.timetable)
    assert dict(read.params.dump()) == dict(dag.params.dump())
    for task in dag.tasks:
        twin = read.task_dict[task.task_id]
        assert twin.downstream_task_ids == task.downstream_task_ids
        assert (twin.is_setup, twin.is_teardown) == (task.is_setup, task.is_teardown)
    # If the text differed each time, every parse would make a new version of the DAG.
    assert json.dumps(DagSerialization.to_dict(dag)) == stored


def test_plugin_registers_the_windows_timetable(window: DAG) -> None:
    registered: dict[str, Any] = plugins_manager.get_timetables_plugins()
    assert registered["ventas_airflow.timetable.SimulationWindowTimetable"] is type(
        window.timetable
    )
    assert plugins_manager.get_import_errors() == {}


def test_form_is_checked_before_anything_starts(window: DAG) -> None:
    first = window.get_task("check_form")
    assert first.upstream_task_ids == set()
    assert {task.task_id for task in window.tasks} - {"check_form"} == {
        task.task_id for task in first.get_flat_relatives(upstream=False)
    }
    publish = window.get_task("publish_sales")
    assert all(getattr(first, name) == getattr(publish, name) for name in first.template_fields)


def test_vm_is_stopped_even_if_tasks_in_between_fail(window: DAG) -> None:
    start, stop = window.get_task("start_vm"), window.get_task("stop_vm")
    assert start.is_setup
    assert stop.is_teardown
    # A VM that stays on costs money, so the run must fail.
    assert stop.on_failure_fail_dagrun
    assert stop.trigger_rule == TriggerRule.ALL_DONE_SETUP_SUCCESS
    assert start.task_id in stop.upstream_task_ids
    between = {t.task_id for t in start.get_flat_relatives(upstream=False)} - {"stop_vm", "done"}
    assert between == {
        "submit_supervisor",
        "ensure_housekeeping",
        "publish_sales",
        "load_sales",
        "watch_vm",
        "reconcile",
        "write_report",
        "suspend_supervisor",
    }
    assert between <= {t.task_id for t in stop.get_flat_relatives(upstream=True)}


@pytest.mark.parametrize("dag_id", SHARERS)
def test_vm_is_watched_while_any_task_publishes(dags: DagBag, dag_id: str) -> None:
    dag = dags.dags[dag_id]
    watch, reconcile = task_of(dag, "watch_vm", WatchDruidVmOperator), dag.get_task("reconcile")
    assert {*watch.while_running, "watch_vm"} == reconcile.upstream_task_ids
    # In parallel with the publishing tasks, not after them.
    assert watch.upstream_task_ids == {"submit_supervisor"}
    assert watch.body == task_of(dag, "start_vm", EnsureDruidVmOperator).body


def test_live_window_of_a_back_fill_has_the_limits_of_a_window(dags: DagBag) -> None:
    """Otherwise the window would be refused only after the whole back-fill."""
    live = dags.dags["sales_backfill"].params.get_param("live_minutes").schema
    window = dags.dags["sales_window"].params.get_param("duration_minutes").schema
    assert (live["minimum"], live["maximum"]) == (window["minimum"], window["maximum"])


def test_faults_of_the_form_reach_all_tasks_that_check_or_publish(window: DAG) -> None:
    faults = [name for name in window.params if name.endswith("_pct")]
    assert len(faults) == 6
    for name in faults:
        assert window.params[name] == 0
        template = f"{{{{ params.{name} }}}}"
        assert getattr(window.get_task("check_form"), name) == template
        assert getattr(window.get_task("publish_sales"), name) == template
        assert task_of(window, "load_sales", MappedOperator).partial_kwargs[name] == template


def test_ingestion_is_suspended_and_handed_off_before_the_vm_stops(window: DAG) -> None:
    submit, suspend = window.get_task("submit_supervisor"), window.get_task("suspend_supervisor")
    assert submit.is_setup
    assert suspend.is_teardown
    assert submit.task_id in suspend.upstream_task_ids
    assert suspend.downstream_task_ids == {"stop_vm", "done"}
    assert "reconcile" in suspend.upstream_task_ids


def test_publishers_of_a_load_are_fenced_before_the_hand_off_too(window: DAG) -> None:
    suspend = task_of(window, "suspend_supervisor", SuspendSupervisorOperator)
    assert suspend.shards == "{{ ti.xcom_pull(task_ids='plan_load') }}"
    assert "plan_load" in window.get_task("suspend_supervisor").get_flat_relative_ids(upstream=True)


def test_dags_that_use_druid_are_exactly_the_sharers(dags: DagBag) -> None:
    """A DAG missing in `SHARERS` would stop Druid for the others, or they for it."""
    using = [name for name, dag in dags.dags.items() if dag.has_task("stop_vm")]
    assert sorted(using) == sorted(SHARERS)
    for dag_id in SHARERS:
        dag = dags.dags[dag_id]
        assert set(TASKS) <= set(dag.task_ids)
        suspend = task_of(dag, "suspend_supervisor", SuspendSupervisorOperator)
        assert suspend.shared_by == SHARERS
        assert task_of(dag, "stop_vm", StopDruidVmOperator).shared_by == SHARERS


@pytest.mark.parametrize("dag_id", SHARERS)
def test_druids_offsets_are_reset_only_if_the_form_asks_for_it(dags: DagBag, dag_id: str) -> None:
    dag = dags.dags[dag_id]
    assert dag.params["reset_offsets"] is False
    submit = task_of(dag, "submit_supervisor", SubmitSupervisorOperator)
    assert submit.reset_offsets == "{{ params.reset_offsets }}"


def test_report_is_written_before_the_hand_off_and_its_failure_changes_nothing(
    window: DAG,
) -> None:
    report = window.get_task("write_report")
    # It runs after a failed reconciliation, but not if the ingestion was never opened.
    assert report.upstream_task_ids == {"watch_vm", "reconcile"}
    assert report.trigger_rule == TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    assert report.execution_timeout
    assert report.execution_timeout <= timedelta(minutes=5)
    # Teardowns run whatever its state is, and the run's state is not judged by it.
    assert report.downstream_task_ids == {"suspend_supervisor", "stop_vm"}
    assert all(window.get_task(task).is_teardown for task in report.downstream_task_ids)
    assert "write_report" not in judging(window)
    assert not {"reconcile", "done"} & report.downstream_task_ids
    published = task_of(window, "reconcile", ReconcileOperator).published
    assert task_of(window, "write_report", WriteReportOperator).published == published


def judging(dag: DAG) -> set[str]:
    """Return the tasks that decide the run's state: only ignored teardowns come after them."""

    def counts(task: Any) -> bool:
        return not task.is_teardown or task.on_failure_fail_dagrun

    return {
        task.task_id
        for task in dag.tasks
        if counts(task) and not any(counts(dag.get_task(d)) for d in task.downstream_task_ids)
    }


def test_window_succeeds_only_if_reconciled_handed_off_and_vm_stopped(
    window: DAG,
) -> None:
    """If only teardowns came last, every run would succeed."""
    assert judging(window) == {"done", "stop_vm"}
    done = window.get_task("done")
    assert done.upstream_task_ids == {"reconcile", "ensure_housekeeping", "suspend_supervisor"}
    assert done.trigger_rule == TriggerRule.ALL_SUCCESS


@pytest.fixture
def backfill(dags: DagBag) -> DAG:
    found: DAG = dags.dags["sales_backfill"]
    return found


def test_invalid_back_fill_is_refused_before_anything_starts(backfill: DAG) -> None:
    first = backfill.get_task("plan_days")
    assert first.upstream_task_ids == set()
    assert len(first.get_flat_relatives(upstream=False)) == len(backfill.tasks) - 1


def test_live_window_opens_after_the_back_fill_is_reconciled_and_settled(
    backfill: DAG,
) -> None:
    """If the ingestion was suspended later, the window would wait without end."""
    before = {t.task_id for t in backfill.get_task("go_live").get_flat_relatives(upstream=True)}
    assert {"fill_days", "reconcile", "suspend_supervisor"} <= before
    assert "stop_vm" not in before


def test_back_fill_succeeds_only_if_no_task_failed(backfill: DAG) -> None:
    assert judging(backfill) == {"done", "stop_vm"}
    done = backfill.get_task("done")
    assert done.upstream_task_ids == {
        "reconcile",
        "ensure_housekeeping",
        "suspend_supervisor",
        "go_live",
    }
    # The live window may be skipped, but no task may fail.
    assert done.trigger_rule == TriggerRule.NONE_FAILED


def test_vm_stays_on_only_for_a_live_window_that_opened(backfill: DAG) -> None:
    """If the window was asked for but did not open, no other run would stop the VM."""
    stop = task_of(backfill, "stop_vm", StopDruidVmOperator)
    assert "go_live" in stop.upstream_task_ids
    assert isinstance(stop.keep_on, str)
    assert "params.go_live" not in stop.keep_on
    assert "key='trigger_run_id'" in stop.keep_on


def test_dag_sends_alerts_and_each_failed_task_leaves_a_notice(dag: DAG) -> None:
    assert dag.on_failure_callback is send_alert
    assert dag.on_success_callback is send_alert
    for task in dag.tasks:
        assert task.on_failure_callback == [leave_notice], task.task_id


@pytest.mark.parametrize(
    ("dag_id", "reference", "minutes"),
    [
        ("sales_window", PlannedEnd(minutes=10.0), 30),
        ("sales_validation", DeadlineReference.DAGRUN_QUEUED_AT, 10),
    ],
)
def test_late_run_sends_an_alert(
    dags: DagBag, dag_id: str, reference: BaseDeadlineReference, minutes: int
) -> None:
    dag = dags.dags[dag_id]
    [alert] = DagSerialization.to_dict(dag)["dag"]["deadline"]
    read = decode_deadline_alert(json.loads(json.dumps(alert)))
    assert read.reference.serialize_reference() == reference.serialize_reference()
    assert read.interval == timedelta(minutes=minutes)
    assert read.callback == AsyncCallback(send_late_alert)


def test_deadline_of_a_window_uses_the_forms_default_duration(window: DAG) -> None:
    [alert] = DagSerialization.to_dict(window)["dag"]["deadline"]
    assert alert["reference"]["minutes"] == window.params["duration_minutes"]
