"""The report of a soak: when it passes or fails, and the size of a month."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.console import Console

from commands.soak.report import MONTH_SALES, Report, print_report
from commands.soak.sampling import Sample
from include.druid.ledger import result
from include.names import LEDGER_TOPIC, SALES_RETENTION, TOPIC

MIB = 1024 * 1024


def report(*, series: dict[str, float] | None = None, **changes: Any) -> Report:
    """Return the report of an hour in which only `series` grow, each by its value per hour."""
    samples: list[tuple[float, Sample]] = []
    for n in range(121):
        at = n / 120
        grown = {name: rate * at for name, rate in (series or {}).items()}
        fixed = {"all.pss_mib": 3000.0, "druid.rows": 1e6, "druid.segments_mib": 100.0}
        samples.append((at, {**fixed, **grown}))
    values: dict[str, Any] = {
        "hours": 1.0,
        "days": 30,
        "events": 3_000_000,
        "samples": samples,
        "checks": [result("ok", "minutos = 4320")],
        "window": {"committed": 4800, "results": {"sales": 2400}},
        "window_state": "success",
        "validations": {"success": 12},
        "file": "soak.csv",
        **changes,
    }
    return Report(**values)


def printed(found: Report) -> str:
    console = Console(width=120, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        print_report(console, found)
    return capture.get()


def test_report_passes_if_nothing_grows() -> None:
    found = report()
    assert found.passes
    assert "Nada crece sin fin" in printed(found)


def test_growing_series_fails_the_report_and_is_named() -> None:
    found = report(series={"router.files": 100.0})
    assert found.growing == ["router.files"]
    assert not found.passes
    assert "Crece sin estabilizarse: router.files" in printed(found)


def test_series_that_is_bounded_later_may_grow() -> None:
    found = report(series={f"topic.{TOPIC}.mib": 100.0, "topic.soak.mib": 100.0})
    assert found.growing == ["topic.soak.mib"]
    assert f"{SALES_RETENTION.days} días (retention.ms)" in printed(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": [result("ok", ""), result("error", "falta en Druid")]},
        {"checks": []},
        {"window_state": "failed"},
        {"validations": {"success": 11, "failed": 1}},
    ],
)
def test_difference_or_failure_fails_the_report(changes: dict[str, Any]) -> None:
    assert not report(**changes).passes


def test_month_is_computed_from_window_events_and_compacted_days() -> None:
    found = report(series={f"topic.{TOPIC}.mib": 4.8, f"topic.{LEDGER_TOPIC}.mib": 2.4}).month()
    events = 2 * MONTH_SALES
    assert found == pytest.approx(
        {
            "events": events,
            # 4800 events in an hour took 4.8 MiB of sales and 2.4 MiB of ledger.
            "kafka_ventas_mib": events / 1000,
            "kafka_ledger_mib": events / 2000,
            "druid_mib": events / 1e6 * 100,
        }
    )


def test_month_is_empty_if_the_window_has_no_sales() -> None:
    assert report(window={}).month() == {}


def test_series_that_begins_late_is_levelled_by_its_own_samples() -> None:
    found = report()
    found.samples[-1][1]["druid.lag_events"] = 5.0
    assert found.levels["druid.lag_events"].levels_off is None


def test_report_converts_to_json_values() -> None:
    found = json.loads(json.dumps(report(series={"topic.soak.mib": 100.0}).to_dict()))
    assert found["growing"] == ["topic.soak.mib"]
    assert found["levels"]["topic.soak.mib"]["per_hour"] == pytest.approx(100)
    assert found["passes"] is False
