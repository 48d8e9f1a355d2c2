"""Three brokers: the death, the stop and the isolation of a leader tear, lose and repeat nothing.

`./ventas chaos --random --brokers 3` draws more schedules, which also fill disks and set clocks.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

from commands.chaos.network.cluster import Cluster
from commands.chaos.network.harms import Harm, Schedule
from commands.chaos.network.run import Findings, harness_of, prove_all
from commands.chaos.network.wire import Api
from include.stack import stack
from tests.conftest import stack_settings

SCHEDULES = [
    Schedule(kind, 4, (Harm(kind, api, 2, 4.0),))
    for kind, api in (
        ("kill-broker", Api.END_TXN),
        ("isolate-broker", Api.PRODUCE),
        ("stop-broker", Api.END_TXN),
        ("kill-controller", Api.PRODUCE),
    )
]


def test_publisher_loses_and_repeats_nothing_when_leaders_change(tmp_path: Path) -> None:
    settings = replace(stack_settings(), home=tmp_path)
    product = stack.products(settings, stack.Progress())["kafka"]
    cluster = Cluster(settings, product, tmp_path / "logs")

    async def run() -> list[Findings]:
        found = []
        async with (
            cluster.serving(),
            harness_of(cluster.addresses, cluster) as harness,
        ):
            for schedule in SCHEDULES:
                found.append(await prove_all(harness, [schedule]))
                await cluster.calm()
        return found

    for schedule, findings in zip(SCHEDULES, asyncio.run(run()), strict=True):
        assert [proof.anomalies for proof in findings.failed] == [], schedule.name
        assert findings.harms == {schedule.name: 1}
        assert findings.transactions["acknowledged"] >= schedule.transactions
