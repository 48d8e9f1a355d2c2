"""Task that writes the day's report, with given numbers instead of Druid."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.druid.client import DatasourceMissingError
from include.names import DATASOURCE
from include.page.reports import gather
from include.page.reports.day import DayReport, Quality
from ventas_airflow import delivery, reports
from ventas_airflow.operators.connections import DatasourceOperator
from ventas_airflow.operators.report import WriteReportOperator

RUN = "scheduled__2026-11-24T12:00:00+00:00"
CONTEXT: Any = {"run_id": RUN}
PUBLISHED = {
    "run": RUN,
    "committed": 9,
    "first_ts": "2026-11-24T12:00:01.000Z",
    "last_ts": "2026-11-24T23:59:07.250Z",
    "faults": {"duplicado": 2},
}
RECONCILED = {"equal": True, "committed": 9, "foreign": {"count": 1}}


class Druid:
    """Stands in for the numbers that Druid has; records the questions."""

    def __init__(self, report: DayReport) -> None:
        self._report = report
        self.asked: list[tuple[str, datetime, Quality]] = []
        self.error: Exception | None = None

    def gather(self, _: object, datasource: str, end: datetime, quality: Quality) -> DayReport:
        self.asked.append((datasource, end, quality))
        if self.error:
            raise self.error
        return msgspec.structs.replace(self._report, quality=quality)


@pytest.fixture
def druid(report: DayReport, monkeypatch: pytest.MonkeyPatch) -> Druid:
    druid = Druid(report)
    monkeypatch.setattr(gather, "gather", druid.gather)
    monkeypatch.setattr(DatasourceOperator, "_druid", lambda _: None)
    return druid


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(delivery, "deliver", lambda *message: messages.append(message))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    return messages


def written(published: Any = PUBLISHED, reconciled: Any = RECONCILED) -> str:
    operator = WriteReportOperator(task_id="informe", published=published, reconciled=reconciled)
    return operator.execute(CONTEXT)


def test_report_of_the_day_is_stored_and_sent_once(
    druid: Druid, folder: Path, sent: list[tuple[str, str]]
) -> None:
    name = written()
    assert reports.names(9) == [name]
    [(datasource, end, quality)] = druid.asked
    # The end of the minute of the last event: here the midnight that ends the UTC day.
    assert (datasource, end) == (DATASOURCE, datetime(2026, 11, 25, tzinfo=UTC))
    assert quality == Quality(RUN, True, 9, 1, {"duplicado": 2})
    [(subject, text)] = sent
    assert subject == "Cierre del día: martes, 24 de noviembre de 2026, hasta las 21:00"
    assert text.startswith(f"{subject}\nVentas: 1.789 (")
    assert text.endswith(f"\nhttps://airflow.example/ventas/reports/{name}")


@pytest.mark.parametrize("reconciled", [None, "None", {**RECONCILED, "equal": False}])
def test_report_of_a_run_that_was_not_reconciled_says_so(
    druid: Druid, folder: Path, sent: list[tuple[str, str]], reconciled: Any
) -> None:
    written(reconciled=reconciled)
    assert not druid.asked[0][2].reconciled
    assert "La ventana no se concilió" in sent[0][1]


def test_tasks_of_a_load_are_reported_together(
    druid: Druid, folder: Path, sent: list[tuple[str, str]]
) -> None:
    later = {**PUBLISHED, "last_ts": "2026-11-25T10:00:00.000Z", "faults": {"duplicado": 3}}
    nothing = {"run": RUN, "committed": 0, "first_ts": None, "last_ts": None}
    written([later, PUBLISHED, nothing])
    [(_, end, quality)] = druid.asked
    assert end == datetime(2026, 11, 25, 10, 1, tzinfo=UTC)
    assert quality.faults == {"duplicado": 5}


def test_run_that_published_nothing_reports_the_day_until_now(
    druid: Druid, folder: Path, sent: list[tuple[str, str]]
) -> None:
    before = datetime.now(UTC)
    written(published=None)
    [(_, end, _)] = druid.asked
    assert end > before
    assert end.second == end.microsecond == 0


def test_druid_without_any_sales_skips_the_report(
    druid: Druid, folder: Path, sent: list[tuple[str, str]]
) -> None:
    druid.error = DatasourceMissingError("no such datasource")
    with pytest.raises(AirflowSkipException, match="no such datasource"):
        written()
    assert (reports.names(9), sent) == ([], [])
