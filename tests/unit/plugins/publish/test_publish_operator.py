"""Parameters that the publishing operator refuses, and its stop."""

import copy
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales import market
from ventas_airflow.operators.parameters import WindowOperator
from ventas_airflow.operators.publish import CheckSalesOperator, PublishSalesOperator

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
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


def context() -> Any:
    dag_run = SimpleNamespace(run_id="manual__1", run_after=datetime.now(UTC))
    return {"dag_run": dag_run}


def operator(**arguments: Any) -> PublishSalesOperator:
    return PublishSalesOperator(
        **{"task_id": "publicar", "seed": 1, "duration_minutes": 1, **arguments}
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            {"seed": "x"},
            "«Semilla»: un número entero de 0 a 9.223.372.036.854.775.807; se recibió 'x'.",
        ),
        ({"seed": 1.5}, "se recibió 1,5."),
        ({"minimum_gap": "rápido"}, "«Mínimo entre ventas (segundos)»: de 0,01 a 3600; se recibió"),
        ({"seed": -1}, "se recibió -1."),
        ({"minimum_gap": 3, "maximum_gap": 2}, "no puede ser menor que «Mínimo entre ventas"),
        ({"minimum_gap": 0}, "«Mínimo entre ventas (segundos)»: de 0,01"),
        ({"duration_minutes": 0}, "«Duración (minutos)»: de 0,25 a 720; se recibió 0."),
        ({"duration_minutes": None}, "«Duración (minutos)»: de 0,25 a 720; se recibió None."),
        ({"delivery_timeout": "nan"}, "«Espera de Kafka (segundos)»"),
        ({"ends_at": "mañana"}, "mañana"),
        ({"ends_at": "2026-11-24T21:00:00"}, "«Hasta»: un momento con zona horaria"),
        ({"stores": ["nowhere"]}, "«Sucursales»: no hay ninguna sucursal 'nowhere';"),
        ({"stores": ["cordoba-centr"]}, "'cordoba-centr' (parecidas: cordoba-centro"),
        ({"seconds_per_day": 0}, "«Segundos que dura un día de posventa»: un número entero de 1 a"),
        ({"mode": "poisson"}, "«Modo»: uno de cadence, curve, load; se recibió 'poisson'."),
        (
            {"mode": "curve", "scale": 0},
            "«Escala (ventas por segundo)»: de 0,0001 a 1000; se recibió 0.",
        ),
        (
            {"mode": "cadence", "starts_at": "2026-11-24T21:00:00+00:00"},
            "«Desde»: solo vale en el modo curve; el modo elegido es cadence.",
        ),
        ({"mode": "curve", "starts_at": "2026-11-24T21:00:00"}, "«Desde»: un momento con zona"),
        ({"late_pct": 51}, "«Ventas tardías (%)»: de 0 a 50; se recibió 51."),
        (
            {"malformed_pct": "muchos"},
            "«Mensajes malformados (%)»: de 0 a 50; se recibió 'muchos'.",
        ),
        ({"mode": "curve", "bursts_pct": 1}, "«Ráfagas (%)»: solo vale en el modo cadence"),
        ({"stores": "['nowhere']"}, "render_template_as_native_obj"),
        ({"stores": ["palermo", 7]}, "«Sucursales»: una lista de identificadores"),
        ({"stores": {"palermo": 1}}, "«Sucursales»: una lista de identificadores"),
        ({"duration_minutes": 10**30}, "«Duración (minutos)»: de 0,25 a 720"),
        (
            {"maximum_gap": 3601},
            "«Máximo entre ventas (segundos)»: de 0,01 a 3600; se recibió 3601.",
        ),
        ({"ends_at": 5}, "«Hasta»: un momento con zona horaria"),
        ({"mode": "curve", "scale": 1e-9}, "de 0,0001 a 1000; se recibió 1e-09."),
        ({"mode": "curve", "scale": 1001}, "de 0,0001 a 1000; se recibió 1001."),
        ({"mode": "curve", "starts_at": "2020-01-01T00:00:00Z"}, "como mucho 366 días antes"),
        ({"mode": "curve", "starts_at": []}, "«Desde»: un momento con zona horaria"),
        ({"incidents": ["terremoto"]}, "«Incidentes de negocio»: no hay ningún tipo «terremoto»;"),
        ({"incidents": ["emisor_caido; Vsa"]}, "y no hay ningún «Vsa»; parecidos: Visa"),
        ({"incidents": ["emisor_caido; Visa; 200"]}, "va de 0 a 100 (%); se recibió «200»."),
        ({"incidents": "emisor_caido; Visa"}, "render_template_as_native_obj"),
        (
            {"mode": "curve", "starts_at": "9999-01-01T00:00:00Z"},
            "es después del fin de la ventana",
        ),
    ],
)
def test_invalid_parameter_fails_without_retries_and_with_its_title(
    arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(AirflowFailException, match=re.escape(named)):
        operator(**arguments).execute(context())


def test_refusal_is_in_the_chosen_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    with pytest.raises(AirflowFailException) as refused:
        operator(mode="curve", scale=0.00001).execute(context())
    assert str(refused.value) == (
        "“Scale (sales per second)”: from 0.0001 to 1000; received 1e-05."
    )


def test_refused_incident_is_in_the_chosen_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    with pytest.raises(AirflowFailException) as refused:
        operator(incidents=["emisor_caido"]).execute(context())
    assert str(refused.value) == (
        "“Business incidents”: “emisor_caido” needs a subject of emisor, tipo_pago."
    )


def test_incidents_begin_with_the_window_in_any_mode() -> None:
    lines = ["promocion; qr; 20; 5; 10", " ", "menos_ventas"]
    for mode in ("cadence", "curve", "load"):
        window = operator(incidents=lines, mode=mode)._window("una", datetime.now(UTC))
        assert [plan.tipo for plan in window.incidents] == ["promocion", "menos_ventas"]
        assert window.incidents[0].begun(NOON).desde == "2026-11-24T15:05:00.000Z"


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
    assert pushed["return_value"]["committed"] == 0


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
        assert sentence.startswith("«")
        assert len(sentence.splitlines()) == 1
        assert len(sentence) < 400
