"""The limits of the form and of the tasks are the same."""

from copy import deepcopy
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from include.sales.market import load_market
from ventas_airflow.operators.backfill import PlanDaysOperator
from ventas_airflow.operators.load import PlanLoadOperator
from ventas_airflow.operators.publish import CheckSalesOperator

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)

WINDOW: dict[str, Any] = {"seed": 1, "duration_minutes": 10}
CURVE = {**WINDOW, "mode": "curve"}
SLOWEST = {**WINDOW, "maximum_gap": 3600}
QUICKEST = {**WINDOW, "minimum_gap": 0.01}
LOAD = {"seed": 1, "mode": "load", "sales": 10}

#: DAG, field of the form, operator that checks it, its other arguments, the field's argument.
FIELDS = [
    ("sales_window", "seed", CheckSalesOperator, WINDOW, "seed"),
    ("sales_window", "seconds_per_day", CheckSalesOperator, WINDOW, "seconds_per_day"),
    ("sales_window", "late_pct", CheckSalesOperator, WINDOW, "late_pct"),
    ("sales_window", "scale", CheckSalesOperator, CURVE, "scale"),
    ("sales_window", "load_sales", PlanLoadOperator, LOAD, "sales"),
    ("sales_window", "shards", PlanLoadOperator, LOAD, "shards"),
    ("sales_backfill", "days", PlanDaysOperator, {"tasks": 2, "seed": 1, "scale": 1}, "days"),
    ("sales_backfill", "seed", PlanDaysOperator, {"tasks": 2, "days": 1, "scale": 1}, "seed"),
    ("sales_window", "duration_minutes", CheckSalesOperator, WINDOW, "duration_minutes"),
    ("sales_window", "minimum_gap", CheckSalesOperator, SLOWEST, "minimum_gap"),
    ("sales_window", "maximum_gap", CheckSalesOperator, QUICKEST, "maximum_gap"),
    ("sales_backfill", "scale", PlanDaysOperator, {"tasks": 2, "days": 1, "seed": 1}, "scale"),
]


@pytest.fixture(autouse=True)
def _outside_a_task_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


def form_takes(dags: DagBag, dag: str, name: str, value: Any) -> bool:
    try:
        # A copy, since resolving stores the value, and all tests share the DAGs.
        deepcopy(dags.dags[dag].params.get_param(name)).resolve(value)
    except ParamValidationError:
        return False
    return True


def task_takes(operator: Any, arguments: dict[str, Any]) -> bool:
    context = {"dag_run": SimpleNamespace(run_id="manual__1", run_after=NOON)}
    try:
        operator(task_id="check", **arguments).execute(context)
    except AirflowFailException:
        return False
    return True


@pytest.mark.parametrize(("dag", "field", "operator", "others", "name"), FIELDS)
def test_form_and_task_have_the_same_limits(
    dags: DagBag, dag: str, field: str, operator: Any, others: dict[str, Any], name: str
) -> None:
    schema = dags.dags[dag].params.get_param(field).schema
    step = 1 if schema["type"] == "integer" else 0.00005
    least, most = schema["minimum"], schema["maximum"]
    for value, taken in ((least, True), (most, True), (least - step, False), (most + step, False)):
        assert form_takes(dags, dag, field, value) is taken, value
        assert task_takes(operator, {**others, name: value}) is taken, value
    # JSON has only one type of number, and 2.0 is a whole number.
    assert form_takes(dags, dag, field, 2.0)
    assert task_takes(operator, {**others, name: 2.0})


@pytest.mark.parametrize(
    "value", ["7", None, True, [], {}, "", 1.5, float("nan"), float("inf"), 2**63, -1]
)
def test_invalid_seed_is_refused_by_form_and_task(dags: DagBag, value: Any) -> None:
    # The task accepts "7", which may come from a template: only the form refuses it.
    assert not form_takes(dags, "sales_window", "seed", value)
    if value != "7":
        assert not task_takes(CheckSalesOperator, {**WINDOW, "seed": value})


@pytest.mark.parametrize("value", [None, [], ["palermo"], ["palermo", "palermo"]])
def test_stores_accepted_by_the_form_are_accepted_by_the_task(dags: DagBag, value: Any) -> None:
    assert form_takes(dags, "sales_window", "stores", value)
    assert task_takes(CheckSalesOperator, {**WINDOW, "stores": value})


@pytest.mark.parametrize("value", [None, [], [""], ["promocion; qr"], ["promocion; qr", "x"], "x"])
def test_incidents_are_a_list_of_lines_whose_content_the_task_checks(
    dags: DagBag, value: Any
) -> None:
    assert form_takes(dags, "sales_window", "incidents", value) is (value != "x")
    taken = task_takes(CheckSalesOperator, {**WINDOW, "incidents": value})
    assert taken is (value is None or "x" not in value)


def test_form_names_every_kind_of_incident(dags: DagBag) -> None:
    description = dags.dags["sales_window"].params.get_param("incidents").description
    assert description
    assert all(kind.incidente in description for kind in load_market().incidents)


@pytest.mark.parametrize("value", ["palermo", [7], [None], {"palermo": 1}, 0, False])
def test_stores_refused_by_the_form_are_refused_by_the_task(dags: DagBag, value: Any) -> None:
    assert not form_takes(dags, "sales_window", "stores", value)
    assert not task_takes(CheckSalesOperator, {**WINDOW, "stores": value})
