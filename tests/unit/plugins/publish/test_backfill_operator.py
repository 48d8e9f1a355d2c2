from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from ventas_airflow.operators.backfill import FillDaysOperator, PlanDaysOperator
from ventas_airflow.runs import each_published

NIGHT = datetime(2026, 11, 25, 1, tzinfo=UTC)  # still the 24th in Buenos Aires


def plan(**changes: Any) -> list[dict[str, Any]]:
    """Return the days of all tasks."""
    return [day for days in divided(**changes) for day in days]


def divided(**changes: Any) -> list[list[dict[str, Any]]]:
    arguments = {"task_id": "t", "tasks": 2, "seed": 7, "days": 2, "scale": 1, **changes}
    context: Any = {"dag_run": SimpleNamespace(run_id="manual__1", run_after=NIGHT)}
    return PlanDaysOperator(**arguments).execute(context)


def test_planned_days_are_whole_local_days_until_the_last_midnight() -> None:
    until = "2026-11-24T03:00:00+00:00"
    assert plan() == [
        {"day": day, "until": until, "incidents": []} for day in ("2026-11-22", "2026-11-23")
    ]


@pytest.mark.parametrize(("days", "sizes"), [(1, [1]), (2, [1, 1]), (5, [3, 2])])
def test_days_are_divided_in_order_among_at_most_two_tasks(days: int, sizes: list[int]) -> None:
    assert [len(part) for part in divided(days=days)] == sizes
    assert plan(days=days) == sorted(plan(days=days), key=lambda day: str(day["day"]))


def test_incidents_count_from_the_first_midnight_and_belong_to_the_days_on_which_they_last() -> (
    None
):
    # From 23:30 to 00:15 of the second and third day, and for an hour of the first.
    lines = ["menos_ventas; ; 50; 2850; 45", "", "emisor_caido; Visa; 60; 600; 60"]
    planned = plan(until_now=True, incidents=lines)
    assert [day["day"] for day in planned] == ["2026-11-22", "2026-11-23", "2026-11-24"]
    assert {day["until"] for day in planned} == {NIGHT.isoformat()}
    assert [[it["tipo"] for it in day["incidents"]] for day in planned] == [
        ["emisor_caido"],
        ["menos_ventas"],
        ["menos_ventas"],
    ]
    assert planned[2]["incidents"] == [
        {
            "tipo": "menos_ventas",
            "sujeto": "",
            "tamano": 50,
            "desde": "2026-11-24T02:30:00.000Z",
            "minutos": 45,
        }
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"days": 0}, "«Días»: un número entero de 1 a 366; se recibió 0."),
        ({"days": 367}, "se recibió 367"),
        ({"days": "x"}, "se recibió 'x'"),
        ({"scale": 0}, "de 0,0001 a 100; se recibió 0."),
        ({"stores": ["nowhere"]}, "nowhere"),
        ({"seed": -1}, "«Semilla»"),
        ({"incidents": ["nothing"]}, "«Incidentes de negocio»"),
    ],
)
def test_invalid_back_fill_is_refused_with_the_parameter(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(AirflowFailException, match=named):
        plan(**changes)


class StoppedOnTheSecondDay(FillDaysOperator):
    """Publishes the first day, without Kafka, and is stopped on the second one."""

    def _fill(self, context: Any, planned: Any, before: list[Any]) -> dict[str, Any]:
        if not before:
            return {"run": "first"}
        self.on_kill()
        return super()._fill(context, planned, before)


def test_stopped_task_stores_the_days_that_it_has_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = '{"conn_type": "kafka", "extra": {"bootstrap.servers": "127.0.0.1:1"}}'
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", connection)
    stored: dict[str, Any] = {}
    task = StoppedOnTheSecondDay(task_id="t", days=plan(), seed=7, scale=1)
    context: Any = {"ti": SimpleNamespace(xcom_push=stored.__setitem__)}
    with pytest.raises(AirflowFailException, match="Detenida a pedido: 0 eventos"):
        task.execute(context)
    both = stored["return_value"]
    runs = ["first", "relleno__2026-11-23__7__1"]
    assert [run["run"] for run in each_published(both)] == runs
    # Airflow gives a list of results if a task was mapped, and else the one result.
    assert each_published([both, both]) == [*both, *both]
