"""A back-fill, the live window after it, and a second back-fill during that window."""

import re
from datetime import datetime, timedelta

from include.names import BACKFILL_DAG, WINDOW_DAG
from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.market import load_market
from tests.support.lab import Lab
from tests.support.vm import VM, instances

SEED, SCALE = 7, 0.05

#: Pattern of the names of the filled days' runs.
FILLED = re.compile(rf"relleno__.*__{SEED}__{SCALE:g}")


def moments_of_sales(lab: Lab, window: str) -> list[datetime]:
    """Return the times at which the sales of the filled days and of a window began, in order."""
    return sorted(
        datetime.fromisoformat(event.ts)
        for event in lab.events()
        if event.estado == "pendiente"
        and (event.corrida == window or FILLED.fullmatch(event.corrida))
    )


def test_live_window_follows_the_filled_days_and_a_second_back_fill_adds_nothing(
    lab: Lab,
) -> None:
    conf = {"days": 2, "scale": SCALE, "seed": SEED, "live_minutes": 1}
    first = lab.api.trigger(BACKFILL_DAG, {**conf, "go_live": True})
    # Back-fills run one at a time: the second begins when the first has opened the window.
    again = lab.api.trigger(BACKFILL_DAG, {**conf, "go_live": False})
    assert lab.end_of(BACKFILL_DAG, first) == "success"
    window = lab.live_window()
    filled = lab.api.xcom(BACKFILL_DAG, first, "reconcile")
    assert filled["equal"]
    for dag, run in ((WINDOW_DAG, window), (BACKFILL_DAG, again)):
        assert lab.end_of(dag, run) == "success"
        assert lab.api.xcom(dag, run, "reconcile")["equal"]

    repeated = lab.api.xcom(BACKFILL_DAG, again, "reconcile")
    assert repeated["committed"] == repeated["in_druid"] == filled["in_druid"]
    assert lab.task(again, "go_live", BACKFILL_DAG)["state"] == "skipped"

    # No gap and no overlap: days and live window together have the sales of one single run.
    sold = moments_of_sales(lab, window)
    last_day = lab.api.xcom(BACKFILL_DAG, first, "plan_days")[-1][-1]
    midnight = datetime.fromisoformat(last_day["until"])
    start, end = midnight - timedelta(days=2), sold[-1] + timedelta(milliseconds=1)
    expected = arrivals(Demand(load_market()), SEED, start, end, SCALE)
    assert [round(moment.timestamp() * 1000) for moment in sold] == expected.tolist()

    # The run that ended first left the VM to the other run, which stopped it.
    stops = [lab.task(again, "stop_vm", BACKFILL_DAG)["state"], lab.state(window, "stop_vm")]
    assert sorted(map(str, stops)) == ["skipped", "success"]
    assert instances(lab.settings).get(**VM).status == "TERMINATED"
