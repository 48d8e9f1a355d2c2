"""The simulation window: start Druid's VM, ingest, sell, reconcile, stop the VM."""

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from include.gcp.definition import vm_body
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator
from ventas_airflow.operators.publish import CheckSalesOperator, PublishSalesOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.supervisor import SubmitSupervisorOperator, SuspendSupervisorOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator
from ventas_airflow.timetable import SimulationWindowTimetable
from ventas_airflow.vm import VM, ZONE

SALES = {
    "seed": "{{ params.seed }}",
    "minimum_gap": "{{ params.minimum_gap }}",
    "maximum_gap": "{{ params.maximum_gap }}",
    "stores": "{{ params.stores }}",
    "duration_minutes": "{{ params.duration_minutes }}",
    "ends_at": "{{ data_interval_end if dag_run.run_type == 'scheduled' else '' }}",
}

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
    default_args={
        "owner": "ventas",
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
    },
    params={
        "duration_minutes": Param(
            10.0,
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
            description="Cada venta espera un tiempo uniforme entre el mínimo y el máximo.",
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
        "stores": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Sucursales",
            description="Identificadores de include/sales/data/stores.csv, uno por línea. Vacío: "
            "todas.",
        ),
        "keep_vm": Param(
            False,
            type="boolean",
            title="Dejar la VM encendida",
            description="Para consultar Druid después de la ventana. La VM sigue costando.",
        ),
    },
):
    check_form = CheckSalesOperator(
        task_id="check_form", task_display_name="Revisar el formulario", **SALES
    )

    start_vm = EnsureDruidVmOperator(
        task_id="start_vm",
        task_display_name="Encender la VM de Druid",
        **VM,
        body=vm_body(ZONE),
    )

    ensure_topics = EnsureTopicsOperator(
        task_id="ensure_topics",
        task_display_name="Crear los tópicos",
        topics={
            "ventas": {"partitions": 2, "topic_config": {"retention.ms": "604800000"}},
            # The ledger is the ground truth of every run: it does not expire.
            "ventas.ledger": {"partitions": 2, "topic_config": {"retention.ms": "-1"}},
        },
    )

    submit_supervisor = SubmitSupervisorOperator(
        task_id="submit_supervisor",
        task_display_name="Abrir la ingesta en Druid",
    )

    publish_sales = PublishSalesOperator(
        task_id="publish_sales",
        task_display_name="Publicar ventas",
        **SALES,
    )

    reconcile = ReconcileOperator(
        task_id="reconcile",
        task_display_name="Conciliar Kafka y Druid",
        published="{{ ti.xcom_pull(task_ids='publish_sales') }}",
    )

    suspend_supervisor = SuspendSupervisorOperator(
        task_id="suspend_supervisor",
        task_display_name="Suspender la ingesta",
    ).as_teardown(setups=submit_supervisor)

    stop_vm = StopDruidVmOperator(
        task_id="stop_vm",
        task_display_name="Apagar la VM",
        **VM,
        keep_on="{{ params.keep_vm }}",
    ).as_teardown(setups=start_vm, on_failure_fail_dagrun=True)

    check_form >> start_vm >> ensure_topics >> submit_supervisor >> publish_sales >> reconcile
    reconcile >> suspend_supervisor >> stop_vm
