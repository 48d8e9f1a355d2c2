"""Back-fill of past days at full speed, and then, if asked for, a live window from their end on."""

from operator import truth

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, TriggerRule

from include.gcp.definition import vm_body
from include.names import (
    FILL_TASK,
    RECONCILE_TASK,
    START_TASK,
    STOP_TASK,
    SUBMIT_TASK,
    SUSPEND_TASK,
    WINDOW_DAG,
)
from ventas_airflow import form
from ventas_airflow.concurrent_runs import SHARERS
from ventas_airflow.dag_settings import PUBLISHING_RETRIES, dag_settings, named
from ventas_airflow.operators.backfill import FillDaysOperator, PlanDaysOperator
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator
from ventas_airflow.operators.housekeeping import EnsureHousekeepingOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator
from ventas_airflow.operators.watch import WatchDruidVmOperator
from ventas_airflow.sales import TOPICS
from ventas_airflow.vm import VM

#: Tasks that fill days at the same time: one per core of a small machine. A task for each day
#: would start fifteen processes for the demo's past, each of which takes longer than its day.
TASKS = 2

SALES = form.templates(form.SEED, form.STORES, form.DAY_SCALE)

#: The VM's definition, for both tasks that may create it.
VM_BODY = vm_body("{zone}")

#: Results of the tasks that fill the days.
FILLED = f"{{{{ ti.xcom_pull(task_ids='{FILL_TASK}') }}}}"

with DAG(**dag_settings(__file__, "simulation"), schedule=None, params=form.params(form.BACKFILL)):
    plan_days = PlanDaysOperator(
        **named("plan_days"),
        tasks=TASKS,
        **form.templates(form.DAYS, form.UNTIL_NOW, form.INCIDENTS),
        **SALES,
    )

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

    fill_days = FillDaysOperator.partial(
        **named(FILL_TASK),
        retries=PUBLISHING_RETRIES,
        map_index_template="{{ task.days[0].day }} … {{ task.days[-1].day }}",
        rate=form.LOAD_RATE.template,
        **SALES,
    ).expand(days=plan_days.output)

    watch_vm = WatchDruidVmOperator(
        **named("watch_vm"),
        retries=PUBLISHING_RETRIES,
        **VM,
        body=VM_BODY,
        while_running=[FILL_TASK],
        poll_interval=2.0,
    )

    reconcile = ReconcileOperator(
        **named(RECONCILE_TASK),
        published=FILLED,
        from_the_beginning=True,
    )

    # Not a teardown: it has to end before the live window opens the ingestion again.
    suspend_supervisor = SuspendSupervisorOperator(
        **named(SUSPEND_TASK),
        shared_by=SHARERS,
        published=FILLED,
        trigger_rule=TriggerRule.ALL_DONE,
    )

    is_live_wanted = ShortCircuitOperator(
        **named("is_live_wanted"),
        python_callable=truth,
        op_args=[form.GO_LIVE.template],
        ignore_downstream_trigger_rules=False,
    )

    go_live = TriggerDagRunOperator(
        **named("go_live"),
        trigger_dag_id=WINDOW_DAG,
        conf={
            **SALES,
            "mode": form.CURVE,
            "starts_at": "{{ ti.xcom_pull(task_ids='plan_days')[-1][-1]['until'] }}",
            "duration_minutes": form.LIVE_MINUTES.template,
            "keep_vm": form.KEEP_VM.template,
        },
    )

    stop_vm = StopDruidVmOperator(
        **named(STOP_TASK),
        **VM,
        shared_by=SHARERS,
        # If the live window opened, it stops the VM itself.
        keep_on="{{ params.keep_vm or "
        "ti.xcom_pull(task_ids='go_live', key='trigger_run_id') is not none }}",
    ).as_teardown(setups=start_vm, on_failure_fail_dagrun=True)

    plan_days >> [start_vm, ensure_topics] >> submit_supervisor >> fill_days >> reconcile
    # In parallel with the sales, which do not wait for it.
    submit_supervisor >> watch_vm >> reconcile
    start_vm >> ensure_housekeeping
    [reconcile, ensure_housekeeping] >> suspend_supervisor
    [reconcile, suspend_supervisor] >> is_live_wanted >> go_live
    [suspend_supervisor, go_live] >> stop_vm

    # Airflow decides a run's state by its last tasks, without teardowns.
    [reconcile, ensure_housekeeping, suspend_supervisor, go_live] >> EmptyOperator(
        **named("done"),
        trigger_rule=TriggerRule.NONE_FAILED,
    )
