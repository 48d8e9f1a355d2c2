"""A window whose VM stops while it sells: the VM is started again, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime

from include.names import WINDOW_DAG
from include.stack.compute.process_group import SupervisorGroups
from include.stack.processes import VM_GROUPS, supervisor_socket
from tests.support.lab import Lab
from tests.support.vm import VM, instances


def end_vm(lab: Lab) -> datetime:
    """End all processes of the VM without a request to Compute Engine, as a preemption does.

    Return the moment before.
    """
    began = datetime.now(UTC)
    power = SupervisorGroups(supervisor_socket(lab.settings), VM_GROUPS)
    power.stop()
    lab.wait(lambda: power.observe().gone, "the VM's end", 300)
    return began


def test_vm_lost_during_a_window_is_started_again_and_nothing_is_lost(lab: Lab) -> None:
    run = lab.open_window(duration_minutes=2)
    lab.wait(lambda: lab.in_kafka(run) >= 1, "the sales of the window", 300)
    ended = end_vm(lab)
    assert lab.state(run, "publish_sales") == "running", "the stores go on selling"
    lab.wait(lambda: lab.in_druid(run) >= 5, "Druid, with what it had", 600)

    assert lab.end_of(WINDOW_DAG, run) == "success"
    found = lab.api.xcom(WINDOW_DAG, run, "reconcile")
    assert found["equal"]
    assert found["committed"] == found["in_kafka"] == found["in_druid"] >= 50
    assert (found["lost"], found["duplicated"]) == (0, 0)
    assert len(lab.event_ids(run)) == found["committed"]
    vm = instances(lab.settings).get(**VM)
    assert datetime.fromisoformat(vm.last_start_timestamp) > ended
    assert vm.status == "TERMINATED"
