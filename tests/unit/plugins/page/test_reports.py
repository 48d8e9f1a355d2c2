"""«Reportes»: the list, the latest report in words, and each report as HTML."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from commands import golden
from include.page.reports.day import DayReport, decode
from ventas_airflow import reports
from ventas_airflow.page import reports as module
from ventas_airflow.page.answer_cache import AnswerCache

DAY = 24 * 3_600_000


@pytest.fixture
def report() -> DayReport:
    return decode((golden.REPORTS / "day.json").read_bytes())


@pytest.fixture
def write(
    report: DayReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], str]:
    """Function that stores the report as that of a later day, and returns its name."""
    monkeypatch.setenv(reports.VARIABLE, f"file://{tmp_path}/reports")
    monkeypatch.setattr(module, "_shared", AnswerCache())

    def store(days: int) -> str:
        shift = days * DAY
        start, end = report.start + shift, report.end + shift
        return reports.write(msgspec.structs.replace(report, start=start, end=end))

    return store


def test_reports_are_listed_with_their_end_the_latest_first(
    write: Callable[[int], str], report: DayReport, reader: TestClient
) -> None:
    earlier, later = write(0), write(1)
    with reader:
        assert reader.get("/api/reports").json() == [
            {"name": later, "end": report.end + DAY},
            {"name": earlier, "end": report.end},
        ]


def test_without_reports_the_list_is_empty_and_none_is_the_latest(
    write: Callable[[int], str], reader: TestClient
) -> None:
    with reader:
        assert reader.get("/api/reports").json() == []
        assert reader.get("/api/reports/latest").json() is None


def test_latest_report_is_told_in_the_viewers_language(
    write: Callable[[int], str], reader: TestClient
) -> None:
    write(0)
    later = write(1)
    with reader:
        found = reader.get("/api/reports/latest?language=en").json()
    assert found["name"] == later
    assert found["title"] == "End-of-day report: Wednesday, 25 November 2026, until 21:00"
    sales = found["figures"][0]
    assert (sales["name"], sales["value"]) == ("Sales", "1,789")
    assert [change["tone"] for change in sales["changes"]] == ["better", "worse"]
    assert sales["changes"][1]["against"] == "vs. Wednesday last week"
    assert found["noticed"][1] == "San Justo has sold nothing since 19:42"
    assert found["warning"] == ""


@pytest.mark.parametrize(
    ("address", "header", "title"),
    [
        ("", "", "Cierre del día"),
        ("", "en", "End-of-day report"),
        ("?language=es", "en", "Cierre del día"),
        ("?language=xx", "en", "End-of-day report"),
    ],
)
def test_report_is_a_document_in_the_viewers_language(
    write: Callable[[int], str], reader: TestClient, address: str, header: str, title: str
) -> None:
    name = write(0)
    with reader:
        answer = reader.get(f"/reports/{name}{address}", headers={"Accept-Language": header})
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"<h1>{title}</h1>" in answer.text
    assert 'class="store"' not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; base-uri")
    assert "script-src" not in policy


def test_pages_of_the_stores_come_only_on_request(
    write: Callable[[int], str], reader: TestClient
) -> None:
    name = write(0)
    with reader:
        assert 'class="store"' in reader.get(f"/reports/{name}?stores=true").text


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "secret", "2026-11-24T2100-0123456789ab"])
def test_unknown_name_answers_404(
    write: Callable[[int], str], reader: TestClient, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret.json").write_bytes((golden.REPORTS / "day.json").read_bytes())
    write(0)
    with reader:
        answer = reader.get(f"/reports/{name}")
    assert answer.status_code == 404
    assert "Ventas" not in answer.text


def test_visitor_without_a_login_gets_no_report(app: FastAPI, write: Callable[[int], str]) -> None:
    name, anonymous = write(0), TestClient(app)
    for path in ("/api/reports", "/api/reports/latest", f"/reports/{name}"):
        assert anonymous.get(path).status_code == 401, path
