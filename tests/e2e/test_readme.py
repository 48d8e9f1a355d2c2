"""The first commands of the README, run on the tests' stack."""

from __future__ import annotations

import json
import os
import subprocess

from include.names import WINDOW_DAG
from include.stack.settings import ROOT, Settings, port_variable
from tests.support.lab import Lab


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


def test_demo_proves_that_nothing_was_lost(stack: Settings, lab: Lab) -> None:
    # The demo does not end other windows, so end those that the timetable has opened.
    lab.api.set_paused(WINDOW_DAG, True)
    lab.close_windows()
    try:
        demo = ventas(stack, "demo", "--minutes", "0.25")
    finally:
        lab.api.set_paused(WINDOW_DAG, False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "Nada perdido, nada duplicado." in demo.stdout
    assert " · en Druid a los " in demo.stdout

    found = json.loads(ventas(stack, "status", "--json").stdout)
    assert found["running"]
    log = ventas(stack, "logs", "scheduler", "--no-follow", "-n", "3")
    assert len(log.stdout.splitlines()) == 3
