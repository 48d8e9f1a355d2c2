"""Load mode with several tasks, started as a user does."""

from include.names import WINDOW_DAG
from tests.support.lab import Lab

SALES, SHARDS = 8_000, 2


def test_load_by_several_tasks_is_reconciled(lab: Lab) -> None:
    run = lab.open_window(mode="load", load_sales=SALES, shards=SHARDS, keep_vm=True)
    assert lab.end_of(WINDOW_DAG, run) == "success"

    assert lab.state(run, "publish_sales") == "skipped"
    tasks = [task for task in lab.api.tasks(WINDOW_DAG, run) if task["task_id"] == "load_sales"]
    assert [task["state"] for task in tasks] == ["success"] * SHARDS
    found = lab.api.xcom(WINDOW_DAG, run, "reconcile")
    assert found["equal"]
    assert found["committed"] == found["in_kafka"] == found["in_druid"] > 1.5 * SALES
    assert found["results"]["sales"] == SALES
