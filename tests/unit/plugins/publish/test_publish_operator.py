"""Parameters that the publishing operator refuses, and its stop."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales import market
from ventas_airflow.operators.parameters import WindowOperator
from ventas_airflow.operators.publish import CheckSalesOperator, PublishSalesOperator


@pytest.fixture(autouse=True)
def _outside_a_task_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    monkeypatch.setenv(
        "AIRFLOW_CONN_KAFKA_DEFAULT",
        '{"conn_type": "kafka", "extra": {"bootstrap.servers": "127.0.0.1:1"}}',
    )


@pytest.fixture(scope="module")
def read_once() -> Iterator[None]:
    """Read the market's files only for the first of many examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market, "load_market", lru_cache(market.load_market))
        yield


def context() -> dict[str, Any]:
    dag_run = SimpleNamespace(run_id="manual__1", run_after=datetime.now(UTC))
    return {"dag_run": dag_run}


def operator(**arguments: Any) -> PublishSalesOperator:
    return PublishSalesOperator(
        **{"task_id": "publicar", "seed": 1, "duration_minutes": 1, **arguments}
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"seed": "x"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"minimum_gap": "rápido"}, "minimum_gap"),
        ({"seed": -1}, "-1"),
        ({"minimum_gap": 3, "maximum_gap": 2}, "minimum"),
        ({"minimum_gap": 0}, "minimum"),
        ({"duration_minutes": 0}, "duration_minutes"),
        ({"duration_minutes": None}, "duration_minutes"),
        ({"delivery_timeout": "nan"}, "delivery_timeout"),
        ({"ends_at": "mañana"}, "mañana"),
        ({"ends_at": "2026-11-24T21:00:00"}, "time zone"),
        ({"stores": ["nowhere"]}, "nowhere"),
        ({"seconds_per_day": 0}, "a day of the time until a return"),
        ({"mode": "poisson"}, "mode is one of cadence, curve, load"),
        ({"mode": "curve", "scale": 0}, "scale"),
        ({"mode": "cadence", "starts_at": "2026-11-24T21:00:00+00:00"}, "starts_at is for mode"),
        ({"mode": "curve", "starts_at": "2026-11-24T21:00:00"}, "time zone"),
        ({"late_pct": 51}, "the rate of tardio is 0 to 50 percent, and it is 51"),
        ({"malformed_pct": "muchos"}, "malformed_pct needs to be a number"),
        ({"mode": "curve", "bursts_pct": 1}, "bursts_pct and silences_pct are for mode cadence"),
        ({"stores": "['nowhere']"}, "render_template_as_native_obj"),
        ({"stores": ["palermo", 7]}, "stores needs a list of ids"),
        ({"stores": {"palermo": 1}}, "stores needs a list of ids"),
        ({"duration_minutes": 10**30}, "duration_minutes must be greater than 0 and at most 1440"),
        ({"maximum_gap": 3601}, "maximum_gap is at most 3600 seconds"),
        ({"ends_at": 5}, "ends_at needs to be a moment such as"),
        ({"mode": "curve", "scale": 1e-9}, "scale is 0.0001 to 1000 sales a second"),
        ({"mode": "curve", "scale": 1001}, "scale is 0.0001 to 1000 sales a second"),
        ({"mode": "curve", "starts_at": "2020-01-01T00:00:00Z"}, "at most 366 days before the run"),
        ({"mode": "curve", "starts_at": []}, "starts_at needs to be a moment such as"),
        ({"mode": "curve", "starts_at": "9999-01-01T00:00:00Z"}, "before starts_at"),
    ],
)
def test_invalid_parameter_fails_without_retries_and_with_its_name(
    arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(AirflowFailException, match=named):
        operator(**arguments).execute(context())


def test_unreachable_broker_fails_with_retries() -> None:
    with pytest.raises(AirflowException, match=r"127\.0\.0\.1:1") as caught:
        operator(delivery_timeout=1).execute(context())
    assert not isinstance(caught.value, AirflowFailException)


def test_stop_before_the_first_sale_fails_without_retries() -> None:
    pushed: dict[str, Any] = {}

    def push(key: str, value: Any) -> None:
        pushed[key] = value

    it = operator(delivery_timeout=60)
    it.on_kill()
    it.on_kill()
    with pytest.raises(AirflowFailException, match="Detenida a pedido: 0 eventos"):
        it.execute(context() | {"ti": SimpleNamespace(xcom_push=push)})
    assert pushed["return_value"]["confirmadas"] == 0


def test_publish_task_is_skipped_in_load_mode() -> None:
    with pytest.raises(AirflowSkipException, match="load_sales"):
        operator(mode="load").execute(context())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_operator_can_be_copied_as_airflow_does(
    copied: Callable[[PublishSalesOperator], PublishSalesOperator],
) -> None:
    assert copied(operator()).seed == 1


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        [
            "2026-11-24",
            "2026-11-24T21:00:00Z",
            "9999-12-31T23:59:59-23:59",
            "nan",
            "palermo",
            "curve",
        ]
    )
    | st.sampled_from([0, 1, 2.0, 2**63 - 1, 2**63, 10**400, "9" * 5000]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)
"""Any value that a form, the REST API or a template may pass."""


@settings(max_examples=60)
@given(data=st.data())
def test_any_parameter_value_is_accepted_or_refused_with_one_sentence(
    read_once: None, data: st.DataObject
) -> None:
    arguments: dict[str, Any] = {"duration_minutes": 1, "seed": 1}
    for name in data.draw(st.lists(st.sampled_from(WindowOperator.template_fields), max_size=3)):
        arguments[name] = data.draw(ANYTHING, name)
    try:
        CheckSalesOperator(task_id="check_form", **arguments).execute(context())
    except AirflowFailException as refused:
        sentence = str(refused)
        assert sentence.startswith("Parámetro inválido: ")
        assert len(sentence.splitlines()) == 1
        assert len(sentence) < 400
