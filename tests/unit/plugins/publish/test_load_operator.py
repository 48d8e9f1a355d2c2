"""How a load is divided, and what its operators refuse before anything starts."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException

from ventas_airflow.operators.load import LoadSalesOperator, PlanLoadOperator

Context: Any = {"dag_run": SimpleNamespace(run_id="manual__1", run_after=datetime.now(UTC))}


@pytest.fixture(autouse=True)
def _outside_a_task_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


def plan(**changes: Any) -> PlanLoadOperator:
    arguments = {"task_id": "t", "seed": 7, "mode": "load", "sales": 10_000, "shards": 2}
    return PlanLoadOperator(**{**arguments, **changes})


def load(**changes: Any) -> LoadSalesOperator:
    shard = {"desde": 0, "hasta": 10}
    return LoadSalesOperator(**{"task_id": "t", "seed": 7, "shard": shard, "sales": 10, **changes})


def test_the_shards_are_disjoint_and_cover_all_sales() -> None:
    assert plan().execute(Context) == [
        {"desde": 0, "hasta": 4096},
        {"desde": 4096, "hasta": 10_000},
    ]


def test_there_are_no_more_shards_than_sales_for_them() -> None:
    assert plan(sales=5, shards=4).execute(Context) == [{"desde": 0, "hasta": 5}]


def test_a_whole_number_is_whole_however_json_writes_it() -> None:
    assert plan(sales=1e4, seed=7.0).execute(Context) == plan().execute(Context)


@pytest.mark.parametrize("mode", ["cadence", "curve"])
def test_another_mode_has_no_load(mode: str) -> None:
    assert plan(mode=mode).execute(Context) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sales": 0}, "sales is 1 to 1000000000, and it is 0"),
        ({"sales": 1.5}, "sales needs to be a whole number, and it is 1.5"),
        ({"shards": 65}, "shards is 1 to 64, and it is 65"),
        ({"shards": None}, "shards needs to be a whole number"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(AirflowFailException, match=named):
        plan(**changes).execute(Context)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rate": -1}, "rate"),
        ({"rate": "inf"}, "rate"),
        ({"rate": 0.001, "sales": 10**9}, "raise rate, or lower sales"),
        ({"delivery_timeout": 0}, "delivery"),
        ({"duplicates_pct": -1}, "duplicado is 0 to 50"),
        ({"silences_pct": 1}, "the mode is load"),
    ],
)
def test_a_load_that_cannot_be_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(AirflowFailException, match=named):
        load(**changes).execute(Context)
