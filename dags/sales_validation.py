"""Validation of the sales in Druid, every five minutes while its VM is on."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, TriggerRule, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from ventas_airflow.alerts import leave_notice, tell, tell_late
from ventas_airflow.operators.ledger import CheckLedgerOperator
from ventas_airflow.operators.validation import RunCheckOperator, SummarizeChecksOperator
from ventas_airflow.preconditions import druid_is_on, sales_expected
from ventas_airflow.vm import VM

DATASOURCE = "{{ params.datasource }}"

with DAG(
    dag_id="sales_validation",
    dag_display_name="Validación de ventas en Druid",
    description="Comprueba en Druid que las ventas estén, estén bien y estén a tiempo",
    doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="America/Argentina/Buenos_Aires"),
    catchup=False,
    max_active_runs=1,
    render_template_as_native_obj=True,
    tags=["ventas", "validación"],
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=10),
        callback=AsyncCallback(tell_late),
        name="La validación terminó",
    ),
    on_failure_callback=tell,
    on_success_callback=tell,
    default_args={
        "owner": "ventas",
        "on_failure_callback": leave_notice,
        "retries": 2,
        "retry_delay": timedelta(seconds=5),
        "execution_timeout": timedelta(minutes=2),
    },
    params={
        "lookback_minutes": Param(
            60,
            type="integer",
            minimum=1,
            maximum=1440,
            title="Minutos hacia atrás",
            description="Qué ventas se miran: las de los últimos minutos.",
        ),
        "datasource": Param(
            "ventas",
            type="string",
            pattern="^[A-Za-z][A-Za-z0-9_.-]{0,127}$",
            title="Datasource de Druid",
            description="El supervisor de la ingesta lleva el mismo nombre.",
        ),
    },
):

    @task.short_circuit(
        task_display_name="¿Druid encendido?",
        # Druid on a VM that has just started takes minutes.
        execution_timeout=timedelta(minutes=5),
    )
    def vm_is_on(vm: dict[str, Any], ti: Any = None) -> bool:
        """Skip everything else while the VM is off."""
        return druid_is_on(vm, ti)

    @task(task_display_name="¿Se esperan ventas?")
    def window_open(datasource: str, ti: Any = None) -> dict[str, Any]:
        """Tell whether new sales have to be seen now."""
        return sales_expected(datasource, ti)

    @task(task_display_name="Leer los chequeos", retries=0)
    def list_checks() -> list[str]:
        """Return the names of the checks; a file that is wrong stops here."""
        from include.druid.checks import load_checks

        return [check.name for check in load_checks()]

    checks = list_checks()
    window = window_open(DATASOURCE)
    check_ledger = CheckLedgerOperator(
        task_id="check_ledger",
        task_display_name="Druid igual al libro",
        vm=VM,
        datasource=DATASOURCE,
        ledger_topic=f"{DATASOURCE}.ledger",
        lookback_minutes="{{ params.lookback_minutes }}",
    )
    vm_is_on(VM) >> [checks, window, check_ledger]

    run_check = RunCheckOperator.partial(
        task_id="run_check",
        task_display_name="Chequeo",
        map_index_template="{{ titulo }}",
        window=window,
        vm=VM,
        datasource=DATASOURCE,
        ledger_topic=f"{DATASOURCE}.ledger",
        lookback_minutes="{{ params.lookback_minutes }}",
    ).expand(check=checks)

    SummarizeChecksOperator(
        task_id="summary",
        task_display_name="Resumen",
        trigger_rule=TriggerRule.ALL_DONE,
        checks=checks,
        results=run_check.output,
        ledger=check_ledger.output,
    )
