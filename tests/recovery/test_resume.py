"""What the runbook says of a run that failed: cleared from its VM on, it sells what was left."""

from __future__ import annotations

from tests.support.lab import WINDOW, Lab


def test_a_failed_run_that_is_cleared_goes_on_after_its_last_sale(lab: Lab) -> None:
    run = lab.open_window(duration_minutes=2)
    lab.wait(lambda: lab.in_druid(run) >= 3, "the sales of the window", 150)
    lab.api.set_task_state(WINDOW, run, "publish_sales", "failed")
    assert lab.end_of(WINDOW, run) == "failed"
    assert lab.state(run, "stop_vm") == "success"
    sold = lab.in_kafka(run)

    lab.api.clear(WINDOW, run, ["start_vm"], downstream=True)
    assert lab.end_of(WINDOW, run, 400) == "success"
    found = lab.api.xcom(WINDOW, run, "reconcile")
    assert found["coinciden"]
    assert found["en_druid"] > sold
