"""The demo's past: the planted incident, and what the demo says about it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from commands import history
from commands.history import SCALE, SEED, History, finding_about
from commands.score.sales import Simulation
from include.page.findings.judge import judge
from include.page.findings.report import Finding, Report
from include.page.findings.rows import query_columns
from include.sales.event import format_ts
from include.sales.incidents import Incident
from include.sales.market import load_market
from include.stack.settings import Settings
from include.stream.ledger import RunProgress
from ventas_airflow.operators.backfill import PlanDaysOperator

#: Noon of a Tuesday in Buenos Aires.
NOON = datetime(2026, 9, 29, 15, tzinfo=UTC)

CREDIT = Incident("emisor_caido", "credito", 90, "2026-09-29T12:05:00.000Z", 150)


class Api:
    """Airflow's API, with one back-fill."""

    def __init__(self, state: str = "success") -> None:
        self.conf: dict[str, Any] = {}
        self.paused: list[bool] = []
        self.findings: list[Finding] = []
        self._state = state

    def dag(self, _: str) -> dict[str, bool]:
        return {"is_paused": True}

    def set_paused(self, _: str, paused: bool) -> None:
        self.paused.append(paused)

    def trigger(self, _: str, conf: dict[str, Any]) -> str:
        self.conf = conf
        return "manual__1"

    def run_state(self, *_: str) -> str:
        return self._state

    def wait_for_end(self, *_: Any) -> str:
        return self._state

    def page(self, path: str) -> bytes:
        assert path == "findings?hasta=2026-09-29T14:35Z"
        return msgspec.json.encode(Report(0, 9, {}, 0.001, self.findings, []))

    def xcom(self, *_: str) -> dict[str, Any] | None:
        return {"equal": True, "in_druid": 12345} if self._state == "success" else None


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Function that triggers the back-fill of some days at a moment."""
    monkeypatch.setenv("VENTAS_LANGUAGE", "es")

    def begin(now: datetime, days: int = 8, api: Api | None = None) -> tuple[Api, History]:
        clock = SimpleNamespace(now=lambda _: now, fromisoformat=datetime.fromisoformat)
        monkeypatch.setattr(history, "datetime", clock)
        api = api or Api()
        settings = Settings.from_environment({})
        return api, History(api, settings, days)  # type: ignore[arg-type]

    return begin


@pytest.mark.parametrize(
    "now", [NOON, *(NOON.replace(hour=hour, minute=10) for hour in (3, 6, 7, 8, 9))]
)
def test_planned_incident_began_an_hour_before_the_back_fill_and_is_found(
    at: Any, now: datetime
) -> None:
    api, _ = at(now)
    operator = PlanDaysOperator(
        task_id="t",
        tasks=2,
        **{name: api.conf[name] for name in ("days", "until_now", "scale", "seed")},
        incidents=api.conf["incidents"],
    )
    context: Any = {"dag_run": SimpleNamespace(run_after=now)}
    today = operator.execute(context)[-1][-1]
    [planned] = today["incidents"]
    assert (planned["desde"], planned["minutos"]) == (format_ts(now - timedelta(minutes=55)), 180)

    start = now - timedelta(days=8)
    simulation = Simulation(load_market(), SEED, start, now, SCALE)
    incident = Incident(**planned)
    report, usual = (
        judge(query_columns(events, now), now)
        for events in (simulation.with_incident(incident), simulation.usual)
    )
    assert finding_about(report.findings, incident) is report.findings[0]
    assert finding_about(usual.findings, incident) is None


def test_end_of_the_back_fill_is_said_once_and_restores_the_pause(at: Any) -> None:
    api, past = at(NOON)
    said: list[str] = []
    past.look(said.append)
    assert past.wait(said.append)
    assert said == [
        "Días anteriores: 12.345 eventos en Kafka, los mismos en Druid, con las mismas sumas "
        "por minuto."
    ]
    assert api.paused == [False, True]


def test_failed_back_fill_is_said(at: Any) -> None:
    _, past = at(NOON, api=Api("failed"))
    said: list[str] = []
    assert not past.wait(said.append)
    assert said == ["Completar los días anteriores (manual__1) terminó como failed."]


def finding(**subject: str) -> Finding:
    numbers = dict.fromkeys(("share", "usual", "low", "high"), 0.4)
    numbers |= {"k": 4, "n": 10, "lost": 5, "lost_centavos": 1e8, "minutes": 60, "expected": 9}
    return Finding("approval", "high", "issuer", "issuer", subject, numbers, "payments")


def test_demo_says_what_the_page_says_about_the_incident(
    at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger tells the incident, whatever was asked for."""
    api, past = at(NOON)
    known = {f"relleno__2026-09-28__{SEED}__{SCALE}": (CREDIT,)}
    monkeypatch.setattr(
        history,
        "read_run",
        lambda *asked: RunProgress(asked[-1], incidents=known.get(asked[-1], ())),
    )
    api.findings = [finding(pago="qr")]
    planted, page = past.sentences()
    assert planted.startswith("Incidente de hoy: de 09:05 a 11:35 se rechazan 90 de cada 100")
    assert page.endswith("/plugin/ventas-vivo?hasta=2026-09-29T14:35Z")
    api.findings.append(finding(pago="credito"))
    assert past.sentences()[1].startswith(
        "«Qué hacer» lo encontró. Bajó la aprobación de Crédito: Se aprobó el 40,0"
    )
    known.clear()
    assert past.sentences() == []
