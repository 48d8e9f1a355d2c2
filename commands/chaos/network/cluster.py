"""A Kafka of three nodes, each broker and controller, which schedules kill, stop and isolate.

A topic has three replicas, of which two must have a record before it is acknowledged. Each node is
started again after it died.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from commands.chaos.clocks import CLOCK_STEP, clock_variables, set_clock
from commands.chaos.disks import filled, small_disk
from commands.chaos.network.brokers import pause
from commands.chaos.network.gates import Gates, Inside
from commands.chaos.network.harms import Harm
from commands.chaos.network.wire import QUORUM_REQUEST, framed, quorum_leader, read_frame
from include.druid.runtime import render
from include.stack import kafka, secret_files
from include.stack.java import JavaProduct, write_argument_file
from include.stack.ports import free_ports
from include.stack.processes import QUICK_START
from include.stack.settings import HOST, Settings
from include.stack.temporary import log_file

NODES: Final = 3
DISK_SIZE: Final = 256
"""MiB of each node's disk, if schedules fill it."""

_START: Final = 120.0
_LOOK: Final = 0.1
_ANSWER: Final = 1.0


class _Node:
    """A process of Kafka."""

    def __init__(
        self,
        number: int,
        port: int,
        command: Sequence[str],
        log: Path,
        data: Path,
        clock: Path | None,
    ) -> None:
        self.number = number
        self.port = port
        self.data = data
        self._clock = clock
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def set_clock(self, seconds: float) -> None:
        """Let the clock go this many seconds ahead of the machine's."""
        if self._clock:
            set_clock(self._clock, seconds)

    def start(self) -> None:
        clock = clock_variables(self._clock) if self._clock else {}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | clock,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    async def answer(self) -> None:
        """Wait until the node accepts connections of clients; it is started again if it dies.

        Raises:
            TimeoutError: it did not within two minutes.
        """
        async with asyncio.timeout(_START):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(HOST, self.port)
                    writer.close()
                    return
                if not self.lives():
                    self.start()
                await asyncio.sleep(_LOOK)


class Cluster:
    """The nodes; `serving` starts them and ends them."""

    def __init__(
        self,
        settings: Settings,
        product: JavaProduct,
        logs: Path,
        *,
        small_disks: bool = False,
        clocks: bool = False,
    ) -> None:
        """Write the nodes' configuration below `settings.home`; their logs go to `logs`.

        With `small_disks`, each node has a disk of its own, which root must mount. With `clocks`,
        each has a clock of its own, which needs libfaketime.
        """
        logs.mkdir(parents=True, exist_ok=True)
        clients, brokers, controllers, broker_gates, controller_gates = (
            dict(enumerate(free, 1)) for free in _in_groups(free_ports(5 * NODES), NODES)
        )
        self._gates = Gates(
            HOST,
            {broker_gates[n]: Inside(n, brokers[n]) for n in clients}
            | {controller_gates[n]: Inside(n, controllers[n]) for n in clients},
        )
        self._small_disks = small_disks
        self._product = product
        self._configuration: dict[int, tuple[Settings, Path]] = {}
        self._nodes: dict[int, _Node] = {}
        voters = ",".join(f"{n}@{HOST}:{controller_gates[n]}" for n in clients)
        for n, port in clients.items():
            ports = {**settings.ports, "kafka": port, "kafka-controller": controllers[n]}
            own = replace(settings, home=settings.home / f"node-{n}", ports=ports)
            listeners = {
                "PLAINTEXT": (port, port),
                "NODES": (brokers[n], broker_gates[n]),
                "CONTROLLER": (controllers[n], controller_gates[n]),
            }
            properties = own.home / "conf" / "kafka.properties"
            values = kafka.server_properties(own) | _of_cluster(n, voters, listeners)
            secret_files.write(properties, render(values))
            arguments = product.arguments("kafka.Kafka", (*kafka.JVM_OPTIONS, QUICK_START))
            command = write_argument_file(
                properties.with_name("kafka.args"), [*arguments, str(properties)]
            )
            log = log_file(logs, f"kafka-{n}")
            log.unlink(missing_ok=True)
            self._configuration[n] = own, properties
            clock = own.home / "clock" if clocks else None
            self._nodes[n] = _Node(n, port, command, log, own.home / "kafka", clock)
            self._nodes[n].set_clock(0)
        self._harming: set[asyncio.Task[None]] = set()
        self._harms: Mapping[str, Callable[[_Node, float], Awaitable[None]]] = {
            "kill": self._kill,
            "stop": self._stop,
            "isolate": lambda node, seconds: self._gates.isolate(node.number, seconds),
            "fill": self._fill,
            "forward": lambda node, seconds: self._shift(node, CLOCK_STEP, seconds),
            "backward": lambda node, seconds: self._shift(node, -CLOCK_STEP, seconds),
        }

    @property
    def addresses(self) -> str:
        """The brokers' addresses, for ``bootstrap.servers``."""
        return ",".join(f"{HOST}:{node.port}" for node in self._nodes.values())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run the nodes until the block ends."""
        cluster_id = kafka.new_cluster_id()
        async with AsyncExitStack() as ended:
            for n, (own, properties) in self._configuration.items():
                if self._small_disks:
                    ended.enter_context(small_disk(self._nodes[n].data, DISK_SIZE))
                kafka.format_storage(self._product, own, properties, cluster_id)
            await ended.enter_async_context(self._gates.serving())
            for node in self._nodes.values():
                ended.callback(node.kill)
                node.start()
            for node in self._nodes.values():
                await node.answer()
            try:
                yield
            finally:
                for task in self._harming:
                    task.cancel()
                await asyncio.gather(*self._harming, return_exceptions=True)

    def hurt(self, harm: Harm, port: int) -> bool:
        """Begin a harm, unless a node is harmed already; return whether it began."""
        if self._harming:
            return False
        task = asyncio.get_running_loop().create_task(self._hurt(harm, port))
        self._harming.add(task)
        task.add_done_callback(self._harming.discard)
        return True

    async def calm(self) -> None:
        """Wait until no node is harmed and all answer."""
        await asyncio.gather(*self._harming)

    async def _hurt(self, harm: Harm, port: int) -> None:
        what, _, whom = harm.kind.partition("-")
        leader = await self._controller() if whom == "controller" else None
        for node in self._nodes.values():
            if node.number == leader or (whom == "broker" and node.port == port):
                await self._harms[what](node, harm.seconds)
        # A harm may also end a node later, such as one whose disk was full.
        for node in self._nodes.values():
            await node.answer()

    async def _kill(self, node: _Node, seconds: float) -> None:
        node.kill()
        await asyncio.sleep(seconds)

    async def _stop(self, node: _Node, seconds: float) -> None:
        pause(node.pid, seconds)
        await asyncio.sleep(seconds)

    async def _fill(self, node: _Node, seconds: float) -> None:
        with filled(node.data):
            await asyncio.sleep(seconds)

    async def _shift(self, node: _Node, by: float, seconds: float) -> None:
        node.set_clock(by)
        try:
            await asyncio.sleep(seconds)
        finally:
            node.set_clock(0)
        # Kafka 4.3 does not connect again to a node that it lost while its clock was ahead, until
        # the clock is there again. So such a broker stays fenced for two hours.
        node.kill()

    async def _controller(self) -> int | None:
        """Return the number of the node that leads the controllers; None if no node knows it."""
        for node in self._nodes.values():
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER):
                    reader, writer = await asyncio.open_connection(HOST, node.port)
                    try:
                        writer.write(framed(QUORUM_REQUEST))
                        if answer := await read_frame(reader):
                            return quorum_leader(answer)
                    finally:
                        writer.close()
        return None


def _in_groups(values: Sequence[int], size: int) -> list[Sequence[int]]:
    return [values[first : first + size] for first in range(0, len(values), size)]


def _of_cluster(
    number: int, voters: str, listeners: Mapping[str, tuple[int, int]]
) -> dict[str, str]:
    """Return the settings in which a node differs from a single one.

    `listeners`: each listener's own port, and the port that others connect to.
    """
    return {
        "node.id": str(number),
        "controller.quorum.voters": voters,
        "listeners": ",".join(f"{name}://{HOST}:{own}" for name, (own, _) in listeners.items()),
        "advertised.listeners": ",".join(
            f"{name}://{HOST}:{theirs}" for name, (_, theirs) in listeners.items()
        ),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listeners),
        "inter.broker.listener.name": "NODES",
        **dict.fromkeys(
            (
                "default.replication.factor",
                "offsets.topic.replication.factor",
                "transaction.state.log.replication.factor",
                "share.coordinator.state.topic.replication.factor",
            ),
            str(NODES),
        ),
        **dict.fromkeys(
            (
                "min.insync.replicas",
                "transaction.state.log.min.isr",
                "share.coordinator.state.topic.min.isr",
            ),
            str(NODES - 1),
        ),
        # Short enough for a schedule to see another leader.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "replica.lag.time.max.ms": "3000",
    }
