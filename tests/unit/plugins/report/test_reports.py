"""The folder of the days' reports."""

from pathlib import Path

import msgspec
import pytest

from include.page.reports.day import DayReport, Quality
from ventas_airflow import reports


def test_stored_report_is_listed_and_read_back(folder: Path, report: DayReport) -> None:
    assert reports.names(9) == []
    name = reports.write(report)
    assert name.startswith("2026-11-24T2100-")
    assert reports.names(9) == [name]
    assert reports.read(name) == report
    assert [path.name for path in folder.iterdir()] == [f"{name}.json"]


def test_report_of_the_same_run_and_minute_is_replaced(folder: Path, report: DayReport) -> None:
    again = msgspec.structs.replace(report, products=[])
    assert reports.write(report) == (name := reports.write(again))
    assert (reports.names(9), reports.read(name)) == ([name], again)


def test_latest_reports_come_first(folder: Path, report: DayReport) -> None:
    hour, day = 3_600_000, 24 * 3_600_000
    other = msgspec.structs.replace(report, quality=Quality("another", reconciled=True))
    ends = [report.end + day, report.end - hour, report.end + 9 * day]
    written = [reports.write(msgspec.structs.replace(other, end=end)) for end in ends]
    assert reports.names(9) == [written[2], written[0], written[1]]
    assert reports.names(1) == [written[2]]


@pytest.mark.parametrize(("setting", "days"), [("", 90), ("7", 7)])
def test_reports_from_before_the_kept_days_are_deleted(
    folder: Path, report: DayReport, monkeypatch: pytest.MonkeyPatch, setting: str, days: int
) -> None:
    monkeypatch.setenv(reports.KEPT_VARIABLE, setting)
    later = report.end + days * 24 * 3_600_000
    first = reports.write(report)
    last = reports.write(msgspec.structs.replace(report, end=later))
    assert reports.names() == [last, first]
    last = reports.write(msgspec.structs.replace(report, end=later + 60_000))
    assert first not in reports.names()
    assert reports.names()[0] == last


def test_wrong_number_of_kept_days_is_refused(
    folder: Path, report: DayReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(reports.KEPT_VARIABLE, "a week")
    with pytest.raises(ValueError, match="VENTAS_REPORTS_DAYS must be a whole number"):
        reports.write(report)


def test_other_files_and_half_written_ones_are_no_reports(folder: Path, report: DayReport) -> None:
    name = reports.write(report)
    for other in ("README.md", f"{name}.part", "2026-11-24T2100-.json", f"{name}.json.json"):
        (folder / other).write_text("{}")
    assert reports.names(9) == [name]


@pytest.mark.parametrize(
    "name", ["../secret", "..%2fsecret", "/etc/passwd", "", "2026-11-24T2100-0123456789ab\n"]
)
def test_name_that_is_no_reports_name_is_not_opened(
    folder: Path, report: DayReport, name: str
) -> None:
    reports.write(report)
    (folder.parent / "secret.json").write_bytes(next(folder.iterdir()).read_bytes())
    assert reports.read(name) is None


def test_unknown_report_is_none(folder: Path) -> None:
    assert reports.read("2026-11-24T2100-0123456789ab") is None


def test_folder_may_be_in_any_storage_that_airflow_knows(
    report: DayReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(reports.VARIABLE, "memory://bucket/reports")
    assert reports.names(9) == []
    name = reports.write(report)
    reports.write(report)
    assert (reports.names(9), reports.read(name)) == ([name], report)


def test_folder_is_in_airflows_home_by_default(
    tmp_path: Path, report: DayReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(reports.VARIABLE, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    name = reports.write(report)
    assert (tmp_path / "reports" / f"{name}.json").exists()
