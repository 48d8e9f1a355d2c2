"""The indexer is killed after it persisted a part of its rows: Druid has each event once."""

import os
import signal
import time

from include.druid.client import DruidClient
from include.druid.queries import for_datasource
from include.druid.supervisor import supervisor_spec
from include.stack import supervision
from include.stack.settings import Settings
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import Place


def test_rows_persisted_before_the_kill_are_not_ingested_twice(
    stack: Settings, place: Place, druid: DruidClient
) -> None:
    spec = supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    # After a second, the next row makes the task persist all its rows to disk.
    spec["spec"]["tuningConfig"]["intermediatePersistPeriod"] = "PT1S"
    druid.submit_supervisor(spec)
    try:
        sales = place.sales(0, 90)
        with place.publisher() as publisher:
            publisher.open()
            publisher.commit(sales[:30])
            wait_for_rows(druid, place.topic, 30)
            time.sleep(1.5)
            publisher.commit(sales[30:60])
            wait_for_rows(druid, place.topic, 60)
            [indexer] = [p for p in supervision.process_states(stack) if p["name"] == "indexer"]
            os.kill(indexer["pid"], signal.SIGKILL)
            publisher.commit(sales[60:])
        # If an event were read twice, the count would never be exactly this.
        wait_for_rows(druid, place.topic, len(sales))
        query = for_datasource('SELECT id_evento FROM "{datasource}"', place.topic)
        found = sorted(row["id_evento"] for row in druid.sql(query))
        assert found == sorted(sale.id_evento for sale in sales)
    finally:
        remove_supervisor(druid, place.topic)
