"""A window and a back-fill beside each other: neither is cut off, and the last one stops the VM."""

from tests.support.lab import BACKFILL, WINDOW, Lab
from tests.support.vm import VM, instances


def states(lab: Lab, dag: str, run: str) -> dict[object, object]:
    return {task["task_id"]: task["state"] for task in lab.api.tasks(dag, run)}


def test_the_first_to_end_leaves_druid_to_the_last(lab: Lab) -> None:
    """Every other order of the two closings is the unit tests' matter."""
    first, last = WINDOW, BACKFILL
    runs = {
        # A task a day, and two at a time: longer than the window, whatever the machine.
        last: lab.api.trigger(last, {"days": 60, "scale": 0.001, "seed": 11}),
        first: lab.open_window(duration_minutes=0.25),
    }
    assert lab.end_of(first, runs[first], 300) == "success", states(lab, first, runs[first])
    assert lab.task(runs[first], "stop_vm", first)["state"] == "skipped"
    left = lab.api.xcom(first, runs[first], "suspend_supervisor")
    assert left["en_uso_por"] == [f"{last}/{runs[last]}"]

    assert lab.end_of(last, runs[last], 400) == "success", states(lab, last, runs[last])
    assert lab.task(runs[last], "stop_vm", last)["state"] == "success"
    assert instances(lab.settings).get(**VM).status == "TERMINATED"
    for dag, run in runs.items():
        assert lab.api.xcom(dag, run, "reconcile")["coinciden"]
