"""Simulation window: start Druid's VM, open the ingestion, sell, reconcile, stop the VM."""

from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, TriggerRule
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from include.gcp.definition import vm_body
from ventas_airflow.alerts import leave_notice, tell, tell_late
from ventas_airflow.concurrent_runs import SHARERS
from ventas_airflow.deadlines import PlannedEnd
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator
from ventas_airflow.operators.housekeeping import EnsureHousekeepingOperator
from ventas_airflow.operators.load import LoadSalesOperator, PlanLoadOperator
from ventas_airflow.operators.publish import CheckSalesOperator, PublishSalesOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator
from ventas_airflow.operators.watch import WatchDruidVmOperator
from ventas_airflow.sales import PUBLISHING_RETRIES, RESET_OFFSETS, STORES, TOPICS
from ventas_airflow.timetable import SimulationWindowTimetable
from ventas_airflow.vm import VM

SALES = {
    "seed": "{{ params.seed }}",
    "stores": "{{ params.stores }}",
    "seconds_per_day": "{{ params.seconds_per_day }}",
}
FAULTS = {
    name: f"{{{{ params.{name} }}}}"
    for name in (
        "duplicates_pct",
        "late_pct",
        "out_of_order_pct",
        "malformed_pct",
        "bursts_pct",
        "silences_pct",
    )
}
WINDOW = {
    **SALES,
    **FAULTS,
    "mode": "{{ params.mode }}",
    "minimum_gap": "{{ params.minimum_gap }}",
    "maximum_gap": "{{ params.maximum_gap }}",
    "scale": "{{ params.scale }}",
    "starts_at": "{{ params.starts_at }}",
    "duration_minutes": "{{ params.duration_minutes }}",
    "ends_at": "{{ data_interval_end if dag_run.run_type == 'scheduled' else '' }}",
}

#: The VM's definition, for both tasks that may create it.
VM_BODY = vm_body("{zone}")

#: Minutes that a triggered window lasts unless its form says otherwise.
MINUTES = 10.0


def fault(title: str, description: str) -> Param:
    """Return the form's field for a kind of fault, in percent."""
    return Param(
        0.0,
        type="number",
        minimum=0,
        maximum=50,
        title=title,
        description=description,
        section="Fallas a propósito",
    )


with DAG(
    dag_id="sales_window",
    dag_display_name="Ventana de simulación de ventas",
    description="Enciende Druid, publica ventas en Kafka y comprueba que nada se pierda",
    doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
    schedule=SimulationWindowTimetable(),
    catchup=False,
    max_active_runs=1,
    render_template_as_native_obj=True,
    tags=["ventas", "simulación"],
    deadline=DeadlineAlert(
        reference=PlannedEnd(minutes=MINUTES),
        interval=timedelta(minutes=30),
        callback=AsyncCallback(tell_late),
        name="La ventana terminó",
    ),
    on_failure_callback=tell,
    on_success_callback=tell,
    default_args={
        "owner": "ventas",
        "on_failure_callback": leave_notice,
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
    },
    params={
        "mode": Param(
            "cadence",
            type="string",
            enum=["cadence", "curve", "load"],
            values_display={
                "cadence": "Cadencia: una venta cada tantos segundos",
                "curve": "Curva: como la demanda de cada hora y día",
                "load": "Carga: tan rápido como se pida",
            },
            title="Modo",
            description="Con qué ritmo venden las sucursales. Qué se vende no depende de él.",
        ),
        "duration_minutes": Param(
            MINUTES,
            type="number",
            minimum=0.25,
            maximum=720,
            title="Duración (minutos)",
            description="Cuánto venden las sucursales. Una ventana programada usa su propio "
            "horario de cierre y no mira este valor.",
        ),
        "minimum_gap": Param(
            1.0,
            type="number",
            minimum=0.01,
            maximum=3600,
            title="Mínimo entre ventas (segundos)",
            description="En modo cadencia, cada venta espera un tiempo uniforme entre el mínimo y "
            "el máximo.",
        ),
        "maximum_gap": Param(
            2.0,
            type="number",
            minimum=0.01,
            maximum=3600,
            title="Máximo entre ventas (segundos)",
            description="No puede ser menor que el mínimo.",
        ),
        "seed": Param(
            2026,
            type="integer",
            minimum=0,
            maximum=2**63 - 1,
            title="Semilla",
            description="La misma semilla da las mismas ventas, sea cual sea el ritmo.",
        ),
        "stores": STORES,
        "seconds_per_day": Param(
            60,
            type="integer",
            minimum=1,
            maximum=86_400,
            title="Segundos que dura un día de posventa",
            description="Reembolsos y contracargos llegan días después: con 60, un día pasa en un "
            "minuto; con 86400, en un día. Los que vencen después del cierre no ocurren.",
        ),
        "scale": Param(
            1.0,
            type="number",
            minimum=0.0001,
            maximum=1000,
            section="Modo curva",
            title="Escala (ventas por segundo)",
            description="El promedio del año. Un mediodía o un CyberMonday tienen "
            "más, la noche menos.",
        ),
        "starts_at": Param(
            None,
            type=["null", "string"],
            format="date-time",
            section="Modo curva",
            title="Desde",
            description="Vende lo que la curva trae desde este momento, y después sigue en vivo. "
            "Vacío: desde ahora.",
        ),
        "load_sales": Param(
            100_000,
            type="integer",
            minimum=1,
            maximum=1_000_000_000,
            section="Modo carga",
            title="Ventas de la carga",
            description="Cada venta tiene unos dos eventos.",
        ),
        "load_rate": Param(
            0.0,
            type="number",
            minimum=0,
            maximum=1_000_000,
            section="Modo carga",
            title="Eventos por segundo de cada tarea",
            description="0: tantos como Kafka reciba.",
        ),
        "shards": Param(
            1,
            type="integer",
            minimum=1,
            maximum=64,
            section="Modo carga",
            title="Tareas de carga",
            description="Se reparten las ventas; salen los mismos bytes con cualquier número.",
        ),
        "duplicates_pct": fault(
            "Eventos duplicados (%)", "De cada cien eventos, cuántos se envían dos veces."
        ),
        "late_pct": fault(
            "Ventas tardías (%)", "De cada cien ventas, cuántas llegan 5 a 120 minutos tarde."
        ),
        "out_of_order_pct": fault(
            "Ventas fuera de orden (%)",
            "De cada cien ventas, cuántas llegan 1 a 10 segundos después de su momento.",
        ),
        "malformed_pct": fault(
            "Mensajes malformados (%)",
            "De cada cien eventos, cuántos van precedidos de una copia rota: JSON cortado, sin "
            "fecha, mal codificada, con un texto por cantidad o un importe absurdo.",
        ),
        "bursts_pct": fault(
            "Ráfagas (%)",
            "En modo cadencia: de cada cien tramos de 32 ventas, cuántos van 10 veces más rápido.",
        ),
        "silences_pct": fault(
            "Silencios (%)",
            "En modo cadencia: de cada cien ventas, cuántas se demoran 45 segundos más.",
        ),
        "keep_vm": Param(
            False,
            type="boolean",
            title="Dejar la VM encendida",
            description="Para consultar Druid después de la ventana. La VM sigue costando.",
        ),
        "reset_offsets": RESET_OFFSETS,
    },
):
    check_form = CheckSalesOperator(
        task_id="check_form", task_display_name="Revisar el formulario", **WINDOW
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

    publish_sales = PublishSalesOperator(
        task_id="publish_sales",
        task_display_name="Publicar ventas",
        retries=PUBLISHING_RETRIES,
        **WINDOW,
    )

    plan_load = PlanLoadOperator(
        task_id="plan_load",
        task_display_name="Repartir la carga",
        mode="{{ params.mode }}",
        sales="{{ params.load_sales }}",
        shards="{{ params.shards }}",
        **SALES,
    )

    load_sales = LoadSalesOperator.partial(
        task_id="load_sales",
        task_display_name="Publicar la carga",
        retries=PUBLISHING_RETRIES,
        sales="{{ params.load_sales }}",
        rate="{{ params.load_rate }}",
        **SALES,
        **FAULTS,
    ).expand(shard=plan_load.output)

    watch_vm = WatchDruidVmOperator(
        task_id="watch_vm",
        task_display_name="Cuidar la VM",
        retries=PUBLISHING_RETRIES,
        **VM,
        body=VM_BODY,
        while_running=["publish_sales", "load_sales"],
        poll_interval=2.0,
    )

    reconcile = ReconcileOperator(
        task_id="reconcile",
        task_display_name="Conciliar Kafka y Druid",
        # One of the two tasks was skipped, depending on the mode.
        published="{{ ti.xcom_pull(task_ids='publish_sales') or "
        "ti.xcom_pull(task_ids='load_sales') }}",
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )

    suspend_supervisor = SuspendSupervisorOperator(
        task_id="suspend_supervisor",
        task_display_name="Suspender la ingesta",
        shared_by=SHARERS,
    ).as_teardown(setups=submit_supervisor)

    stop_vm = StopDruidVmOperator(
        task_id="stop_vm",
        task_display_name="Apagar la VM",
        **VM,
        shared_by=SHARERS,
        keep_on="{{ params.keep_vm }}",
    ).as_teardown(setups=start_vm, on_failure_fail_dagrun=True)

    check_form >> plan_load
    check_form >> start_vm >> ensure_topics >> submit_supervisor
    submit_supervisor >> [publish_sales, load_sales, watch_vm] >> reconcile
    reconcile >> suspend_supervisor >> stop_vm
    # In parallel with the sales, which do not wait for it.
    start_vm >> ensure_housekeeping >> suspend_supervisor

    # Airflow decides a run's state by its last tasks, without teardowns: this task makes a failed
    # hand-off count.
    [reconcile, ensure_housekeeping, suspend_supervisor] >> EmptyOperator(
        task_id="done", task_display_name="Todo conciliado y entregado"
    )
