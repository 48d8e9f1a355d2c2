"""Validation of the sales in Druid, every five minutes while its VM is on."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, TriggerRule, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.names import SUMMARY_TASK, topic_of
from include.texts import text
from ventas_airflow import form
from ventas_airflow.alerts import send_late_alert
from ventas_airflow.dag_settings import dag_settings, named
from ventas_airflow.operators.ledger import CheckLedgerOperator
from ventas_airflow.operators.validation import RunCheckOperator, SummarizeChecksOperator
from ventas_airflow.preconditions import druid_is_on, sales_expected
from ventas_airflow.vm import VM

DATASOURCE = form.VALIDATED.template
SALES = "{{ topic_of(params.datasource) }}"
LEDGER = f"{SALES}.ledger"

with DAG(
    **dag_settings(
        __file__,
        "validation",
        retry_delay=timedelta(seconds=5),
        execution_timeout=timedelta(minutes=2),
    ),
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="America/Argentina/Buenos_Aires"),
    user_defined_macros={"topic_of": topic_of},
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=10),
        callback=AsyncCallback(send_late_alert),
        name=text("dag.sales_validation.deadline"),
    ),
    params=form.params(form.VALIDATION),
):

    @task.short_circuit(
        task_display_name=text("dag.task.vm_is_on"),
        # Druid on a VM that has just started takes minutes.
        execution_timeout=timedelta(minutes=5),
    )
    def vm_is_on(vm: dict[str, Any], ti: Any = None) -> bool:
        """Skip everything else while the VM is off."""
        return druid_is_on(vm, ti)

    @task(task_display_name=text("dag.task.window_open"))
    def window_open(datasource: str, ti: Any = None) -> dict[str, Any]:
        """Tell whether new sales have to be seen now."""
        return sales_expected(datasource, ti)

    @task(task_display_name=text("dag.task.list_checks"), retries=0)
    def list_checks() -> list[str]:
        """Return the names of the checks; a file that is wrong stops here."""
        from include.druid.checks import load_checks

        return [check.name for check in load_checks()]

    checks = list_checks()
    window = window_open(DATASOURCE)
    check_ledger = CheckLedgerOperator(
        **named("check_ledger"),
        vm=VM,
        topic=SALES,
        datasource=DATASOURCE,
        ledger_topic=LEDGER,
        lookback_minutes=form.LOOKBACK.template,
    )
    vm_is_on(VM) >> [checks, window, check_ledger]

    run_check = RunCheckOperator.partial(
        **named("run_check"),
        map_index_template="{{ title }}",
        window=window,
        vm=VM,
        datasource=DATASOURCE,
        ledger_topic=LEDGER,
        lookback_minutes=form.LOOKBACK.template,
    ).expand(check=checks)

    SummarizeChecksOperator(
        **named(SUMMARY_TASK),
        trigger_rule=TriggerRule.ALL_DONE,
        checks=checks,
        results=run_check.output,
        ledger=check_ledger.output,
    )
