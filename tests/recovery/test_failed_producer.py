"""A producer that is marked failed stops, and its run goes on when cleared as in the runbook."""

from __future__ import annotations

from include.names import WINDOW_DAG
from tests.support.lab import Lab
from tests.support.vm import VM, instances


def test_producer_marked_failed_stops_and_cleared_run_resumes_after_last_sale(
    lab: Lab,
) -> None:
    run = lab.open_window(duration_minutes=1)
    lab.wait(lambda: lab.in_kafka(run) >= 3, "the sales of the window", 300)
    lab.api.set_task_state(WINDOW_DAG, run, "publish_sales", "failed")
    log = ""

    def told() -> bool:
        nonlocal log
        log = lab.api.log(WINDOW_DAG, run, "publish_sales", 1)
        return "Detenida a pedido" in log

    # The task learns it from its next heartbeat, after 5 s at most, and then has 5 s to end: the
    # time-out has a reserve.
    lab.wait(told, "the stopped producer", 300)
    sold = lab.in_kafka(run)
    assert f"{sold} eventos confirmados, 0 sin confirmar" in log

    assert lab.end_of(WINDOW_DAG, run) == "failed"
    assert lab.state(run, "publish_sales") == "failed"
    assert lab.state(run, "reconcile") == "upstream_failed"
    assert lab.state(run, "suspend_supervisor") == "success"
    assert lab.state(run, "stop_vm") == "success"
    assert instances(lab.settings).get(**VM).status == "TERMINATED"
    assert len(lab.event_ids(run)) == lab.in_kafka(run) == sold
    sales = {event.id_venta for event in lab.events() if event.corrida == run}

    lab.api.clear(WINDOW_DAG, run, ["start_vm"], downstream=True)
    assert lab.end_of(WINDOW_DAG, run) == "success"
    # On a slow machine the window may be over by then, and has no new sales.
    log = lab.api.log(WINDOW_DAG, run, "publish_sales", 2)
    assert f"publishing from sale #{len(sales)} until" in log
    found = lab.api.xcom(WINDOW_DAG, run, "reconcile")
    assert found["equal"]
    assert found["in_druid"] >= sold
