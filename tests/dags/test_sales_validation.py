"""The dependencies of the validation's tasks, and the values that its form refuses."""

import copy
from unittest.mock import MagicMock

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, CronTriggerTimetable, TriggerRule
from airflow.sdk.exceptions import ParamValidationError

from include.names import DATASOURCE
from tests.dags.tasks import task_of
from ventas_airflow.operators.ledger import CheckLedgerOperator


@pytest.fixture
def validation(dags: DagBag) -> DAG:
    found: DAG = dags.dags["sales_validation"]
    return found


def test_nothing_runs_unless_druid_is_on(validation: DAG) -> None:
    first = task_of(validation, "vm_is_on", ShortCircuitOperator)
    assert first.upstream_task_ids == set()
    others = {task.task_id for task in first.get_flat_relatives(upstream=False)}
    assert others == {"window_open", "list_checks", "run_check", "check_ledger", "summary"}
    # So it also skips the summary, which would run by its own trigger rule.
    assert first.ignore_downstream_trigger_rules


def test_each_check_is_a_task_that_shows_its_title(validation: DAG) -> None:
    run_check = validation.get_task("run_check")
    assert run_check.is_mapped
    assert run_check.upstream_task_ids == {"list_checks", "window_open"}
    assert run_check.map_index_template == "{{ title }}"
    assert run_check.execution_timeout


@pytest.mark.parametrize("datasource", [DATASOURCE, "ventas_prueba"])
def test_topics_of_another_datasource_have_its_name(validation: DAG, datasource: str) -> None:
    task = task_of(validation, "check_ledger", CheckLedgerOperator)
    task = copy.copy(task)
    task.render_template_fields({"params": {"datasource": datasource}, "conn": MagicMock()})
    assert (task.topic, task.ledger_topic) == (datasource, f"{datasource}.ledger")


def test_summary_is_last_and_runs_after_failed_checks_too(validation: DAG) -> None:
    summary = validation.get_task("summary")
    assert summary.downstream_task_ids == set()
    assert summary.trigger_rule == TriggerRule.ALL_DONE
    assert {"list_checks", "run_check"} <= summary.upstream_task_ids


def test_validation_runs_every_five_minutes_in_buenos_aires_time(validation: DAG) -> None:
    assert isinstance(validation.timetable, CronTriggerTimetable)
    assert validation.timetable.expression == "*/5 * * * *"
    assert str(validation.timetable.timezone) == "America/Argentina/Buenos_Aires"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lookback_minutes", 0),
        ("lookback_minutes", 1441),
        ("lookback_minutes", "60) OR (1=1"),
        ("datasource", 'ventas" --'),
        ("datasource", ""),
    ],
)
def test_form_refuses_values_that_are_unsafe_in_a_query(
    validation: DAG, name: str, value: object
) -> None:
    with pytest.raises(ParamValidationError):
        validation.params.get_param(name).resolve(value)
