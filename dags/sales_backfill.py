"""Back-fill of past days at full speed, and then, if asked for, a live window from their end on."""

from datetime import timedelta
from operator import truth
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, TriggerRule

from include.gcp.definition import vm_body
from ventas_airflow.alerts import leave_notice, tell
from ventas_airflow.concurrent_runs import SHARERS
from ventas_airflow.operators.backfill import FillDayOperator, PlanDaysOperator
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator
from ventas_airflow.operators.housekeeping import EnsureHousekeepingOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator
from ventas_airflow.operators.watch import WatchDruidVmOperator
from ventas_airflow.sales import PUBLISHING_RETRIES, RESET_OFFSETS, STORES, TOPICS
from ventas_airflow.vm import VM

#: Days that are filled at the same time: one per core of a small machine, a core left for Druid.
PARALLEL_DAYS = 2

SALES = {
    "seed": "{{ params.seed }}",
    "stores": "{{ params.stores }}",
    "scale": "{{ params.scale }}",
}

#: The VM's definition, for both tasks that may create it.
VM_BODY = vm_body("{zone}")


with DAG(
    dag_id="sales_backfill",
    dag_display_name="Relleno del pasado",
    description="Publica los días pasados a toda velocidad y sigue en vivo sin hueco ni repetición",
    doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
    schedule=None,
    max_active_runs=1,
    render_template_as_native_obj=True,
    tags=["ventas", "simulación"],
    on_failure_callback=tell,
    on_success_callback=tell,
    default_args={
        "owner": "ventas",
        "on_failure_callback": leave_notice,
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
    },
    params={
        "days": Param(
            7,
            type="integer",
            minimum=1,
            maximum=366,
            title="Días",
            description="Días enteros hasta hoy a medianoche, hora local.",
        ),
        "scale": Param(
            1.0,
            type="number",
            minimum=0.0001,
            maximum=100,
            title="Escala (ventas por segundo)",
            description="El promedio del año sobre la curva de demanda. Con 1, un día tiene unas "
            "86.000 ventas y el doble de eventos.",
        ),
        "seed": Param(
            2026,
            type="integer",
            minimum=0,
            maximum=2**63 - 1,
            title="Semilla",
            description="Un día con la misma semilla y escala se publica una sola vez.",
        ),
        "stores": STORES,
        "go_live": Param(
            False,
            type="boolean",
            title="Seguir en vivo",
            description="Al terminar, abre la ventana en modo curva desde la medianoche, con la "
            "misma semilla y escala.",
        ),
        "live_minutes": Param(
            60.0,
            type="number",
            minimum=0.25,
            maximum=720,
            title="Duración en vivo (minutos)",
            description="Cuánto sigue abierta la ventana después del relleno.",
        ),
        "keep_vm": Param(
            False,
            type="boolean",
            title="Dejar la VM encendida",
            description="Para consultar Druid después. La VM sigue costando.",
        ),
        "reset_offsets": RESET_OFFSETS,
    },
):
    plan_days = PlanDaysOperator(
        task_id="plan_days",
        task_display_name="Elegir los días",
        days="{{ params.days }}",
        **SALES,
    )

    start_vm = EnsureDruidVmOperator(
        task_id="start_vm",
        task_display_name="Encender la VM de Druid",
        **VM,
        body=VM_BODY,
    )

    ensure_topics = EnsureTopicsOperator(
        task_id="ensure_topics",
        task_display_name="Crear los tópicos",
        topics=TOPICS,
    )

    submit_supervisor = SubmitSupervisorOperator(
        task_id="submit_supervisor",
        task_display_name="Abrir la ingesta en Druid",
        reset_offsets="{{ params.reset_offsets }}",
    )

    ensure_housekeeping = EnsureHousekeepingOperator(
        task_id="ensure_housekeeping",
        task_display_name="Compactar y retener en Druid",
    )

    fill_day = FillDayOperator.partial(
        task_id="fill_day",
        task_display_name="Publicar el día",
        retries=PUBLISHING_RETRIES,
        max_active_tis_per_dagrun=PARALLEL_DAYS,
        map_index_template="{{ task.day.day }}",
        **SALES,
    ).expand(day=plan_days.output)

    watch_vm = WatchDruidVmOperator(
        task_id="watch_vm",
        task_display_name="Cuidar la VM",
        retries=PUBLISHING_RETRIES,
        **VM,
        body=VM_BODY,
        while_running=["fill_day"],
        poll_interval=2.0,
    )

    reconcile = ReconcileOperator(
        task_id="reconcile",
        task_display_name="Conciliar Kafka y Druid",
        published="{{ ti.xcom_pull(task_ids='fill_day') }}",
        from_the_beginning=True,
    )

    # Not a teardown: it has to end before the live window opens the ingestion again.
    suspend_supervisor = SuspendSupervisorOperator(
        task_id="suspend_supervisor",
        task_display_name="Suspender la ingesta",
        shared_by=SHARERS,
        published="{{ ti.xcom_pull(task_ids='fill_day') }}",
        trigger_rule=TriggerRule.ALL_DONE,
    )

    is_live_wanted = ShortCircuitOperator(
        task_id="is_live_wanted",
        task_display_name="¿Seguir en vivo?",
        python_callable=truth,
        op_args=["{{ params.go_live }}"],
        ignore_downstream_trigger_rules=False,
    )

    go_live = TriggerDagRunOperator(
        task_id="go_live",
        task_display_name="Seguir en vivo",
        trigger_dag_id="sales_window",
        conf={
            "mode": "curve",
            "seed": "{{ params.seed }}",
            "stores": "{{ params.stores }}",
            "scale": "{{ params.scale }}",
            "starts_at": "{{ ti.xcom_pull(task_ids='plan_days')[-1]['until'] }}",
            "duration_minutes": "{{ params.live_minutes }}",
            "keep_vm": "{{ params.keep_vm }}",
        },
    )

    stop_vm = StopDruidVmOperator(
        task_id="stop_vm",
        task_display_name="Apagar la VM",
        **VM,
        shared_by=SHARERS,
        # If the live window opened, it stops the VM itself.
        keep_on="{{ params.keep_vm or "
        "ti.xcom_pull(task_ids='go_live', key='trigger_run_id') is not none }}",
    ).as_teardown(setups=start_vm, on_failure_fail_dagrun=True)

    plan_days >> start_vm >> ensure_topics >> submit_supervisor >> fill_day >> reconcile
    # In parallel with the sales, which do not wait for it.
    submit_supervisor >> watch_vm >> reconcile
    start_vm >> ensure_housekeeping
    [reconcile, ensure_housekeeping] >> suspend_supervisor
    [reconcile, suspend_supervisor] >> is_live_wanted >> go_live
    [suspend_supervisor, go_live] >> stop_vm

    # Airflow decides a run's state by its last tasks, without teardowns.
    [reconcile, ensure_housekeeping, suspend_supervisor, go_live] >> EmptyOperator(
        task_id="done",
        task_display_name="Todo conciliado y entregado",
        trigger_rule=TriggerRule.NONE_FAILED,
    )
