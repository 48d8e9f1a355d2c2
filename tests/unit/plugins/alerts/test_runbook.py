"""docs/observability.md lists every alert and every metric of the project."""

import re

import pytest

from include.stack.settings import ROOT
from ventas_airflow import alerts, metrics

PAGE = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "where",
    [
        *(alerts.FAILED, alerts.INVALID, alerts.SHORT, alerts.LATE),
        *(alerts.VM_LEFT_ON, alerts.NO_REPORT),
    ],
)
def test_every_alert_is_listed_with_its_runbook_section(where: str) -> None:
    assert f"]({where.removeprefix('docs/')})" in PAGE


def test_listed_metrics_are_exactly_the_emitted_ones() -> None:
    source = (ROOT / "plugins" / "ventas_airflow" / "metrics.py").read_text(encoding="utf-8")
    emitted = set(re.findall(r'"(ventas\.\w+)"', source))
    assert set(metrics.FIGURES.values()) < emitted
    assert set(re.findall(r"^\| `(ventas\.\w+)", PAGE, re.MULTILINE)) == emitted
