"""The command scores the judges, and its data files name what exists."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from commands.cli import main
from commands.score.cases import Score, rows_of
from commands.score.command import FILES
from commands.score.run import missed_bars
from commands.score.sales import Simulation
from commands.score.technical import score_faults
from commands.score.why import score_why
from include.druid.checks import load_checks
from include.druid.ledger import NAME as LEDGER
from include.page.findings.report import KINDS
from include.page.why.figures import FIGURES
from include.sales.incidents import Incident, Plan
from include.sales.local_time import epoch_ms
from include.sales.market import load_market

START = datetime(2026, 9, 29, 12, tzinfo=UTC)


def test_planted_incidents_and_faults_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ["producto_agotado", "sucursal_muda", "venta_perdida"]
    assert main(["score", "--seeds", "2", "--json", "--kinds", *kinds]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["missed"] == []
    assert [score["kind"] for score in found["scores"]] == kinds
    for score in found["scores"]:
        assert (score["runs"], score["found"], score["false"]) == (2, 2, [])
        assert all(5 <= minutes <= 60 for minutes in score["minutes"])
        assert all(centavos < 0 for centavos in score["centavos"])


def test_planted_cause_is_found_and_chance_makes_none() -> None:
    kinds = ("fraude_con_tarjeta:approval", "sin_incidente:approval")
    cases = {kind: rows_of("why.csv")[kind] for kind in kinds}
    scores = {kind: Score("why", kind) for kind in kinds}
    assert list(score_why(load_market(), 1, cases, scores)) == [*kinds]
    counted = [(score.runs, score.found, score.false) for score in scores.values()]
    assert counted == [(2, 2, []), (2, 0, [])]


def test_injected_fault_is_found_unless_the_ledger_announces_it() -> None:
    cases = {"malformado": rows_of("technical.csv")["malformado"]}
    scores = {"malformado": Score("technical", "malformado")}
    assert list(score_faults(load_market(), 1, cases, scores)) == ["malformado"]
    assert (scores["malformado"].found, scores["malformado"].false) == (1, [])


def test_missed_bars_are_named() -> None:
    scores = [
        Score("business", "menos_ventas", judged=True, runs=10, found=8),
        Score("business", "compras_grandes", judged=False, runs=10),
        Score("technical", "duplicado", judged=True, runs=100, found=99),
        Score("quiet", "semana_usual", judged=False, runs=3, most_false=1),
        Score("quiet", "feriado", judged=False, runs=3, most_false=2),
    ]
    low, false = missed_bars(scores)
    assert "80.0%" in low
    assert "feriado" in false
    assert missed_bars([]) == []


def test_cases_name_incidents_findings_and_checks_that_exist() -> None:
    market = load_market()
    assert set(rows_of("business.csv")) <= {kind.incidente for kind in market.incidents}
    for kind, case in rows_of("business.csv").items():
        assert case["hallazgo"] in ("", *KINDS)
        for subject in case["sujetos"].split("|"):
            Plan.read(f"{kind}; {subject}; {case['tamano']}; 0; {case['minutos']}", market)
    for case in rows_of("why.csv").values():
        assert case["incidente"] in ("", *rows_of("business.csv"))
        assert case["cifra"] in FIGURES
    checks = {*(check.name for check in load_checks()), LEDGER, ""}
    for case in rows_of("technical.csv").values():
        assert {*case["chequeos"].split("|")} <= checks
    assert len({kind for file in FILES.values() for kind in rows_of(file)}) == sum(
        len(rows_of(file)) for file in FILES.values()
    )


def test_incident_changes_only_the_sales_that_begin_while_it_lasts() -> None:
    simulation = Simulation(load_market(), 3, START, START + timedelta(hours=3), scale=1.0)
    begins, minutes = START + timedelta(hours=1), 60.0
    incident = Incident("menos_ventas", "", 50.0, begins.isoformat(), minutes)
    usual, changed = simulation.usual, simulation.with_incident(incident)
    first, stop = epoch_ms(begins), epoch_ms(begins + timedelta(minutes=minutes))
    begun, left = (it.only(it.state == 0) for it in (usual, changed))
    within = (begun.ts >= first) & (begun.ts < stop)
    assert 0.4 * within.sum() < len(begun.ts) - len(left.ts) < 0.6 * within.sum()
    missing = np.setdiff1d(begun.sale, left.sale)
    assert set(missing) <= set(begun.sale[within])
    kept = usual.only(~np.isin(usual.sale, missing))
    assert kept.ts.tolist() == changed.ts.tolist()
    assert kept.importe.tolist() == changed.importe.tolist()
