"""Division of a load into shards, and the parameters that its operators refuse."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from ventas_airflow.operators.load import LoadSalesOperator, PlanLoadOperator

Context: Any = {"dag_run": SimpleNamespace(run_id="manual__1", run_after=datetime.now(UTC))}


def plan(**changes: Any) -> PlanLoadOperator:
    arguments = {"task_id": "t", "seed": 7, "mode": "load", "sales": 10_000, "shards": 2}
    return PlanLoadOperator(**{**arguments, **changes})


def load(**changes: Any) -> LoadSalesOperator:
    shard = {"start": 0, "stop": 10}
    return LoadSalesOperator(**{"task_id": "t", "seed": 7, "shard": shard, "sales": 10, **changes})


def test_shards_are_disjoint_and_cover_all_sales() -> None:
    assert plan().execute(Context) == [
        {"start": 0, "stop": 4096},
        {"start": 4096, "stop": 10_000},
    ]


def test_shards_without_sales_are_left_out() -> None:
    assert plan(sales=5, shards=4).execute(Context) == [{"start": 0, "stop": 5}]


def test_whole_number_written_as_a_float_is_accepted() -> None:
    assert plan(sales=1e4, seed=7.0).execute(Context) == plan().execute(Context)


@pytest.mark.parametrize("mode", ["cadence", "curve"])
def test_plan_is_empty_in_other_modes(mode: str) -> None:
    assert plan(mode=mode).execute(Context) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"sales": 0},
            "«Ventas de la carga»: un número entero de 1 a 1.000.000.000; se recibió 0.",
        ),
        ({"sales": 1.5}, "se recibió 1,5"),
        ({"shards": 65}, "«Tareas de carga»: un número entero de 1 a 64; se recibió 65."),
        ({"shards": None}, "«Tareas de carga»: un número entero"),
    ],
)
def test_invalid_plan_is_refused_with_the_parameter(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(AirflowFailException, match=re.escape(named)):
        plan(**changes).execute(Context)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rate": -1}, "«Eventos por segundo de cada tarea»: de 0 a 1.000.000; se recibió -1."),
        ({"rate": "inf"}, "se recibió 'inf'"),
        ({"rate": 0.001, "sales": 10**9}, "subí «Eventos por segundo de cada tarea» o bajá"),
        ({"delivery_timeout": 0}, "«Espera de Kafka"),
        ({"incidents": ["menos_ventas; qr"]}, "«menos_ventas» es para todas las ventas"),
        ({"duplicates_pct": -1}, "«Eventos duplicados (%)»: de 0 a 50"),
        (
            {"silences_pct": 1},
            "«Silencios (%)»: solo vale en el modo cadence; el modo elegido es load",
        ),
    ],
)
def test_invalid_load_is_refused_with_the_parameter(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(AirflowFailException, match=re.escape(named)):
        load(**changes).execute(Context)
