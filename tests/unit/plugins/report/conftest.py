from pathlib import Path

import pytest

from commands import golden
from include.page.reports.day import DayReport, decode
from ventas_airflow import reports


@pytest.fixture
def report() -> DayReport:
    return decode((golden.REPORTS / "day.json").read_bytes())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the reports, which does not exist yet."""
    place = tmp_path / "with a space" / "reports"
    monkeypatch.setenv(reports.VARIABLE, f"file://{place}")
    return place
