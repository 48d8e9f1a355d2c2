"""Simulation window: start Druid's VM, open the ingestion, sell, reconcile, stop the VM."""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from include.gcp.definition import vm_body
from include.names import (
    LOAD_TASK,
    PUBLISH_TASK,
    RECONCILE_TASK,
    REPORT_TASK,
    START_TASK,
    STOP_TASK,
    SUBMIT_TASK,
    SUSPEND_TASK,
)
from include.texts import text
from ventas_airflow import form
from ventas_airflow.alerts import send_late_alert
from ventas_airflow.concurrent_runs import SHARERS
from ventas_airflow.dag_settings import PUBLISHING_RETRIES, dag_settings, named
from ventas_airflow.deadlines import PlannedEnd
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator
from ventas_airflow.operators.housekeeping import EnsureHousekeepingOperator
from ventas_airflow.operators.load import LoadSalesOperator, PlanLoadOperator
from ventas_airflow.operators.publish import CheckSalesOperator, PublishSalesOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.report import WriteReportOperator
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator
from ventas_airflow.operators.watch import WatchDruidVmOperator
from ventas_airflow.sales import TOPICS
from ventas_airflow.timetable import SimulationWindowTimetable
from ventas_airflow.vm import VM

SALES = form.templates(form.SEED, form.STORES, form.SECONDS_PER_DAY)
FAULTS = form.templates(*form.FAULTS.values(), form.INCIDENTS)
WINDOW = {
    **SALES,
    **FAULTS,
    **form.templates(form.MODE, form.MINIMUM, form.MAXIMUM, form.SCALE),
    **form.templates(form.STARTS_AT, form.DURATION),
    "ends_at": "{{ data_interval_end if dag_run.run_type == 'scheduled' else '' }}",
}

#: Result of the task that published: the mode skips the other one of the two.
PUBLISHED = (
    f"{{{{ ti.xcom_pull(task_ids='{PUBLISH_TASK}') or ti.xcom_pull(task_ids='{LOAD_TASK}') }}}}"
)

#: The VM's definition, for both tasks that may create it.
VM_BODY = vm_body("{zone}")

with DAG(
    **dag_settings(__file__, "simulation"),
    schedule=SimulationWindowTimetable(),
    deadline=DeadlineAlert(
        reference=PlannedEnd(minutes=form.DURATION.default),
        interval=timedelta(minutes=30),
        callback=AsyncCallback(send_late_alert),
        name=text("dag.sales_window.deadline"),
    ),
    params=form.params(form.WINDOW),
):
    check_form = CheckSalesOperator(**named("check_form"), **WINDOW)

    start_vm = EnsureDruidVmOperator(
        **named(START_TASK),
        **VM,
        body=VM_BODY,
    )

    ensure_topics = EnsureTopicsOperator(
        **named("ensure_topics"),
        topics=TOPICS,
    )

    submit_supervisor = SubmitSupervisorOperator(
        **named(SUBMIT_TASK),
        reset_offsets=form.RESET_OFFSETS.template,
    )

    ensure_housekeeping = EnsureHousekeepingOperator(
        **named("ensure_housekeeping"),
    )

    publish_sales = PublishSalesOperator(
        **named(PUBLISH_TASK),
        retries=PUBLISHING_RETRIES,
        **WINDOW,
    )

    plan_load = PlanLoadOperator(
        **named("plan_load"),
        mode=form.MODE.template,
        sales=form.LOAD_SALES.template,
        shards=form.SHARDS.template,
        **SALES,
    )

    load_sales = LoadSalesOperator.partial(
        **named(LOAD_TASK),
        retries=PUBLISHING_RETRIES,
        sales=form.LOAD_SALES.template,
        rate=form.LOAD_RATE.template,
        **SALES,
        **FAULTS,
    ).expand(shard=plan_load.output)

    watch_vm = WatchDruidVmOperator(
        **named("watch_vm"),
        retries=PUBLISHING_RETRIES,
        **VM,
        body=VM_BODY,
        while_running=[PUBLISH_TASK, LOAD_TASK],
        poll_interval=2.0,
    )

    reconcile = ReconcileOperator(
        **named(RECONCILE_TASK),
        published=PUBLISHED,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )

    write_report = WriteReportOperator(
        **named(REPORT_TASK),
        published=PUBLISHED,
        reconciled=f"{{{{ ti.xcom_pull(task_ids='{RECONCILE_TASK}') }}}}",
        # A window that was stopped or not reconciled is reported too: watching the VM succeeds
        # once nothing publishes any more.
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        # The VM costs until the report is done.
        retries=1,
        execution_timeout=timedelta(minutes=5),
    )

    suspend_supervisor = SuspendSupervisorOperator(
        **named(SUSPEND_TASK),
        shared_by=SHARERS,
        shards="{{ ti.xcom_pull(task_ids='plan_load') }}",
    ).as_teardown(setups=submit_supervisor)

    stop_vm = StopDruidVmOperator(
        **named(STOP_TASK),
        **VM,
        shared_by=SHARERS,
        keep_on=form.KEEP_VM.template,
    ).as_teardown(setups=start_vm, on_failure_fail_dagrun=True)

    check_form >> plan_load
    check_form >> [start_vm, ensure_topics] >> submit_supervisor
    submit_supervisor >> [publish_sales, load_sales, watch_vm] >> reconcile
    reconcile >> suspend_supervisor >> stop_vm
    # Before the hand-off, during which Druid may miss rows for seconds. The report decides nothing:
    # only teardowns, which run after a failure too, come after it.
    [watch_vm, reconcile] >> write_report >> [suspend_supervisor, stop_vm]
    # In parallel with the sales, which do not wait for it.
    start_vm >> ensure_housekeeping >> suspend_supervisor

    # Airflow decides a run's state by its last tasks, without teardowns: this task makes a failed
    # hand-off count.
    [reconcile, ensure_housekeeping, suspend_supervisor] >> EmptyOperator(**named("done"))
