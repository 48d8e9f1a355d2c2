"""`./ventas chaos --random`: seeded schedules of harms to the network, and their proof."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from commands.chaos.network.brokers import Brokers, OneBroker
from commands.chaos.network.cluster import Cluster
from commands.chaos.network.harms import CLOCKS, FILL, NODE_KINDS, Schedule, shrunk
from commands.chaos.network.harness import Harness, Proof
from commands.chaos.network.proxy import Proxy
from commands.progress import StackProgress
from include.stack import ports, stack
from include.stack.settings import HOST, Settings
from include.stack.temporary import Services, stopped_in_order, temporary_settings
from include.texts import terminal_text

_AT_ONCE: Final = 8
"""Schedules that run at the same time."""

_SHRINK_TRIES: Final = 2
"""Runs of a smaller schedule before it counts as not failing."""

_REPORT_EVERY: Final = 100


class Findings(NamedTuple):
    """Sums over the schedules."""

    schedules: int
    transactions: Counter[str]
    """Number of transactions by outcome."""
    records: int
    harms: Counter[str]
    """Number of harms by kind."""
    anomalies: Counter[str]
    failed: list[Proof]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "schedules": self.schedules,
            "transactions": dict(self.transactions),
            "records": self.records,
            "harms": self.harms.total(),
            "harms_by_kind": dict(sorted(self.harms.items())),
            "anomalies": dict(self.anomalies),
            "failed": [msgspec.to_builtins(proof.schedule) for proof in self.failed],
            "seconds": round(self.seconds, 1),
            "per_second": round(self.schedules / self.seconds, 2),
        }


def run_random(
    settings: Settings,
    console: Console,
    *,
    schedules: Sequence[Schedule],
    brokers: int,
    naive: bool,
    as_json: bool,
) -> int:
    """Run the schedules on a Kafka of their own; return 0 only if no proof found an anomaly.

    With one of `brokers`, Kafka is a single node, and else a `Cluster`. The first failed schedule
    is shrunk and printed.
    """
    messages = Console(stderr=True) if as_json else console
    report = partial(messages.print, soft_wrap=True)
    kinds = {harm.kind for schedule in schedules for harm in schedule.harms}
    if brokers == 1 and not kinds.isdisjoint(NODE_KINDS):
        raise stack.StackError("The schedule harms one of several brokers: add --brokers 3.")

    async def prove(addresses: str, harmed: Brokers) -> tuple[Findings, Schedule | None]:
        async with harness_of(addresses, harmed) as harness:
            findings = await prove_all(harness, schedules, naive=naive, report=report)
            failed = findings.failed
            return findings, await _smallest(harness, failed[0], naive=naive) if failed else None

    async def prove_on(cluster: Cluster) -> tuple[Findings, Schedule | None]:
        async with cluster.serving():
            return await prove(cluster.addresses, cluster)

    with stopped_in_order(), temporary_settings(settings) as own:
        with StackProgress(messages) as progress:
            products = stack.products(own, progress.callbacks())
        if brokers == 1:
            services = Services(own, products, settings.logs)
            with services.kafka() as address:
                one = OneBroker(services.pids["kafka"])
                findings, smallest = asyncio.run(prove(address, one))
        else:
            cluster = Cluster(
                own,
                products["kafka"],
                settings.logs,
                small_disks=FILL in kinds,
                clocks=not kinds.isdisjoint(CLOCKS),
            )
            findings, smallest = asyncio.run(prove_on(cluster))
    if as_json:
        print(json.dumps(findings.to_dict()))
    else:
        console.print(_table(findings))
    if smallest:
        text = msgspec.json.encode(smallest).decode()
        messages.print(terminal_text("cli.chaos.random.smallest", schedule=text), soft_wrap=True)
    return 1 if findings.failed else 0


@asynccontextmanager
async def harness_of(addresses: str, brokers: Brokers) -> AsyncIterator[Harness]:
    """Run a proxy before the brokers at these addresses, which are separated by commas."""
    behind = [int(address.rpartition(":")[2]) for address in addresses.split(",")]
    proxy = Proxy(HOST, dict(zip(behind, ports.free_ports(len(behind)), strict=True)))
    async with proxy.serving():
        yield Harness({"bootstrap.servers": addresses}, proxy, brokers)


async def prove_all(
    harness: Harness,
    schedules: Iterable[Schedule],
    *,
    naive: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Findings:
    """Prove the schedules, `_AT_ONCE` at a time.

    `report` is called with a line for each anomaly, and for each `_REPORT_EVERY` schedules.
    """
    proofs: list[Proof] = []
    left = iter(schedules)
    began = time.monotonic()

    async def work() -> None:
        for schedule in left:
            proofs.append(proof := await harness.prove(schedule, naive=naive))
            for anomaly in proof.anomalies:
                report(f"[red]{proof.schedule.name}[/]: {anomaly}")
            if len(proofs) % _REPORT_EVERY == 0:
                report(_line(_findings(proofs, time.monotonic() - began)))

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return _findings(proofs, time.monotonic() - began)


async def _smallest(harness: Harness, proof: Proof, *, naive: bool) -> Schedule:
    async def fails(schedule: Schedule) -> bool:
        for _ in range(_SHRINK_TRIES):
            if (await harness.prove(schedule, naive=naive)).anomalies:
                return True
        return False

    return await shrunk(proof.schedule, fails)


def _findings(proofs: Sequence[Proof], seconds: float) -> Findings:
    return Findings(
        schedules=len(proofs),
        transactions=Counter(t.outcome for proof in proofs for t in proof.history),
        records=sum(proof.read for proof in proofs),
        harms=Counter(harm.kind for proof in proofs for harm in proof.harms),
        anomalies=Counter(a.kind for proof in proofs for a in proof.anomalies),
        failed=[proof for proof in proofs if proof.anomalies],
        seconds=seconds,
    )


def _line(findings: Findings) -> str:
    return terminal_text(
        "cli.chaos.random.progress",
        schedules=findings.schedules,
        failed=len(findings.failed),
        per_second=f"{findings.schedules / findings.seconds:.1f}",
    )


def _table(findings: Findings) -> Table:
    found = findings.to_dict()
    columns = ("schedules", "harms", "transactions", "records", "anomalies", "seconds")
    table = Table(*(terminal_text(f"cli.chaos.random.{column}") for column in columns))
    counted = {
        name: " ".join(f"{k}: {v}" for k, v in found[name].items()) or "0"
        for name in ("transactions", "anomalies")
    }
    table.add_row(*(str(counted.get(column, found[column])) for column in columns))
    return table
