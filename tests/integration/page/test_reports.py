"""The day's report on a real Druid: its numbers equal those of the published sales."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.page.reports.day import DAYS_BEFORE, Quality
from include.page.reports.sums import report_of
from include.sales.event import Venta, encode
from include.sales.local_time import epoch_ms
from tests.support.day_report import hours_of, rows_of
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import Place
from ventas_airflow import delivery, reports
from ventas_airflow.operators.report import WriteReportOperator

#: Local midnight of a Tuesday, and the end of the day's last minute with sales.
START = datetime(2026, 8, 25, 3, tzinfo=UTC)
END = START + timedelta(hours=12)
SALES = 150
"""Sales of each day, in the last two hours before `END`."""


@pytest.fixture
def sold(druid: DruidClient, place: Place) -> Iterator[list[Venta]]:
    """Events of the day, the day before and a week before; some are of the day after."""
    source = place.source()
    events = [
        event
        for day, before in enumerate(DAYS_BEFORE)
        for n in range(SALES)
        for event in source.chain(
            day * SALES + n,
            END - timedelta(days=before) - timedelta(hours=2) * (SALES - n) / SALES,
        )
    ]
    producer = Producer({**place.config, "acks": "all", "linger.ms": 20})
    for event in events:
        producer.produce(place.topic, encode(event), event.id_venta)
    assert producer.flush(60) == 0
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    wait_for_rows(druid, place.topic, len(events))
    yield events
    remove_supervisor(druid, place.topic)


@pytest.mark.usefixtures("connections")
def test_stored_report_equals_the_published_sales(
    place: Place, sold: list[Venta], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(delivery, "deliver", lambda _, text: sent.append(text))
    monkeypatch.setenv(reports.VARIABLE, f"file://{tmp_path}/reports")
    last = END - timedelta(seconds=20)
    published: dict[str, Any] = {"run": place.corrida, "last_ts": last.isoformat(), "faults": {}}
    operator = WriteReportOperator(
        task_id="informe",
        datasource=place.topic,
        published=published,
        reconciled={"equal": True, "committed": len(sold), "foreign": {"count": 0}},
    )

    name = operator.execute({"run_id": place.corrida})

    report = reports.read(name)
    assert report
    expected = report_of(
        start=epoch_ms(START),
        end=epoch_ms(END),
        hours=hours_of(sold, START, END),
        payments=rows_of("payments", sold, START, END),
        products=rows_of("products", sold, START, END),
        looks=[],
        quality=Quality(place.corrida, True, len(sold), 0),
    )
    assert report == replace(expected, noticed=report.noticed, unjudged=report.unjudged)
    assert report.total.today.sales == report.total.week_before.sales == SALES
    assert report.total.yesterday.revenue_centavos > 0
    assert [hour.hour for hour in report.hours] == [10, 11]
    assert name in sent[0]
