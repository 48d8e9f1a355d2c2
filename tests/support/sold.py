"""Sales in a stack's Druid, for tests that need any sales."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.names import DATASOURCE, TOPIC
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stream.publisher import SalePublisher
from include.stream.topics import ensure_topic
from tests.support.druid import wait_for_rows
from ventas_airflow.sales import TOPICS


def sell(config: Mapping[str, Any], druid: DruidClient, corrida: str, sales: int) -> int:
    """Publish sales of the last hour, wait until Druid has them, and return the number of events.

    They are published to the topic `ventas`. The supervisor `ventas` is created if it is missing,
    and runs afterwards.
    """
    for topic, options in TOPICS.items():
        ensure_topic(config, topic, **options)
    druid.submit_supervisor(supervisor_spec(config, topic=TOPIC, datasource=DATASOURCE))
    if druid.supervisor_status(DATASOURCE)["suspended"]:
        druid.resume_supervisor(DATASOURCE)
    source, now = SaleSource(load_market(), 13, corrida), datetime.now(UTC)
    moments = [now - timedelta(hours=1) * (sales - n) / sales for n in range(sales)]
    events = [
        event
        for n, moment in enumerate(moments)
        for event in source.chain(n, moment)
        if datetime.fromisoformat(event.ts) <= now
    ]
    with SalePublisher(
        config, corrida, seed=13, transactional_id=corrida, delivery_timeout=60
    ) as publisher:
        publisher.open()
        for first in range(0, len(events), 500):
            publisher.commit(events[first : first + 500])
    wait_for_rows(druid, DATASOURCE, len(events), corrida)
    return len(events)
