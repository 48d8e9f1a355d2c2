"""Load mode by several tasks, and the past that goes on live, as a user starts them."""

from datetime import UTC, datetime, timedelta

import pytest

from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.market import load_market
from tests.support.lab import BACKFILL, WINDOW, Lab

SEED, SCALE = 7, 0.05


@pytest.mark.parametrize(("shards", "sales"), [(1, 8_000), (2, 30_000)])
def test_a_load_is_reconciled(lab: Lab, shards: int, sales: int) -> None:
    run = lab.open_window(mode="load", load_sales=sales, shards=shards, keep_vm=True)
    assert lab.end_of(WINDOW, run, 300) == "success"

    assert lab.state(run, "publish_sales") == "skipped"
    tasks = [task for task in lab.api.tasks(WINDOW, run) if task["task_id"] == "load_sales"]
    assert [task["state"] for task in tasks] == ["success"] * shards
    found = lab.api.xcom(WINDOW, run, "reconcile")
    assert found["coinciden"]
    assert found["confirmadas"] == found["en_kafka"] == found["en_druid"] > 1.5 * sales
    assert found["resultados"]["ventas"] == sales


def test_the_past_goes_on_live_without_gap_or_overlap_and_again_adds_nothing(lab: Lab) -> None:
    conf = {"days": 2, "scale": SCALE, "seed": SEED, "go_live": True, "live_minutes": 0.5}
    run = lab.api.trigger(BACKFILL, {**conf, "keep_vm": True})
    assert lab.end_of(BACKFILL, run, 400) == "success"
    filled = lab.api.xcom(BACKFILL, run, "reconcile")
    assert filled["coinciden"]

    window = lab.live_window()
    assert lab.end_of(WINDOW, window, 240) == "success"
    live = lab.api.xcom(WINDOW, window, "reconcile")
    assert live["coinciden"]

    midnight = datetime.fromisoformat(lab.api.xcom(BACKFILL, run, "plan_days")[-1]["until"])
    rows = lab.druid.sql(
        "SELECT TIMESTAMP_TO_MILLIS(__time) AS ms FROM ventas WHERE estado = 'pendiente' "
        "AND (corrida = ? OR corrida LIKE ?) ORDER BY __time",
        [window, f"relleno__%__{SEED}__{SCALE:g}"],
    )
    sold = [row["ms"] for row in rows]
    start, end = midnight - timedelta(days=2), datetime.fromtimestamp(sold[-1] / 1000, UTC)
    demand = Demand(load_market())
    expected = arrivals(demand, SEED, start, end + timedelta(milliseconds=1), SCALE)
    assert sold == expected.tolist()

    again = lab.api.trigger(BACKFILL, {**conf, "go_live": False, "keep_vm": True})
    assert lab.end_of(BACKFILL, again, 300) == "success"
    repeated = lab.api.xcom(BACKFILL, again, "reconcile")
    assert repeated["confirmadas"] == repeated["en_druid"] == filled["en_druid"]
    assert lab.task(again, "go_live", BACKFILL)["state"] == "skipped"
