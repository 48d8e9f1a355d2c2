"""The first commands of the README, run on the tests' stack.

The suite and the file come first: usual sales of other tests in the last hour would hide the
demo's incident at night, when few stores sell.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from commands.history import SCALE, SEED
from include.names import WINDOW_DAG
from include.sales.backfill import past_days
from include.stack.airflow_api import AirflowApiError
from include.stack.settings import ROOT, Settings, port_variable
from tests.support.lab import Lab

DAYS = 2


def ventas(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    ports = {port_variable(name): str(port) for name, port in settings.ports.items()}
    return subprocess.run(
        ["./ventas", *arguments],
        cwd=ROOT,
        env={**os.environ, **ports, "VENTAS_HOME": str(settings.home), "VENTAS_PORT_OFFSET": "0"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_demo_proves_that_nothing_was_lost_and_its_incident_is_found(
    stack: Settings, lab: Lab
) -> None:
    # The demo does not end other windows, so end those that the timetable has opened.
    lab.api.set_paused(WINDOW_DAG, True)
    lab.close_windows()
    with suppress(AirflowApiError):  # Druid may be off.
        lab.api.page("findings")
    began = datetime.now(UTC)
    try:
        demo = ventas(stack, "demo", "--minutes", "0.25", "--history", str(DAYS))
    finally:
        lab.api.set_paused(WINDOW_DAG, False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "Nada perdido, nada duplicado." in demo.stdout
    assert " · en Druid a los " in demo.stdout
    assert "Incidente de hoy: de " in demo.stdout
    assert "«Qué hacer» lo encontró. Bajó la aprobación de Crédito: Se aprobó " in demo.stdout

    found = json.loads(ventas(stack, "status", "--json").stdout)
    assert found["running"]
    log = ventas(stack, "logs", "scheduler", "--no-follow", "-n", "3")
    assert len(log.stdout.splitlines()) == 3

    check_key_figures(lab)
    # Whoever had the page open during the back-fill gets a new report, too.
    report = json.loads(lab.api.page("findings"))
    assert {"pago": "credito"} in [finding["subject"] for finding in report["findings"]]
    check_past(lab, began)


def check_key_figures(lab: Lab) -> None:
    """Every key figure has a value to compare with, so none says «sin datos» (`test_scripts`)."""
    totals: dict[str, dict[str, Any]] = json.loads(lab.api.page("live"))["totals"]
    for of in ("current", "before", "yesterday"):
        assert min(totals[of]["sales"], totals[of]["approved"]) > 0, totals


def check_past(lab: Lab, began: datetime) -> None:
    """Kafka, the ledger and Druid have the same number of events of each filled day."""
    in_kafka = Counter(event.corrida for event in lab.events())
    for day in past_days(began, DAYS, today=True):
        run = day.corrida(SEED, SCALE)
        assert in_kafka[run] == lab.in_kafka(run) == lab.in_druid(run), run
    assert in_kafka[past_days(began, 1)[0].corrida(SEED, SCALE)] > 10_000
