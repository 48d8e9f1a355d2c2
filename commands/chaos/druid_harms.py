"""Harms to Druid's side: its reading of Kafka, its metadata store, deep storage and clocks."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, TypeVar

from commands.chaos.clocks import CLOCK_STEP
from commands.chaos.disks import filled
from commands.chaos.lab import Lab
from commands.chaos.metadata_store import metadata_locked
from commands.chaos.network.harms import CUT_SHORT, Harm
from commands.chaos.network.proxy import Proxy, Victim
from commands.chaos.network.wire import Api
from commands.chaos.round import Round
from commands.chaos.wrong_clock import with_clock
from include.druid.client import DruidError
from include.druid.supervisor import unfinished_tasks
from include.names import DATASOURCE
from include.stack.ports import free_ports
from include.stack.settings import HOST
from include.waiting import wait_until

T = TypeVar("T")

METADATA_LOCKED: Final = 60.0
DEEP_STORAGE: Final = Path("druid") / "segments"
"""Folder of the deep storage, below that of the stack."""

_CLIENT: Final = "ventas-druid"
_FETCH_KINDS: Final = {
    "delay-request": 2.0,
    "delay-answer": 2.0,
    "lose-request": 0.0,
    "lose-answer": 0.0,
    "repeat-request": 0.1,
    CUT_SHORT: 0.0,
    "reset": 0.0,
    "throttle": 5.0,
    "cut-answers": 5.0,
    "freeze": 10.0,
}
"""Kinds of harms to Druid's requests to Fetch, with their seconds, in order."""

_HANDING_OFF: Final = 10.0
"""Seconds in which tasks hand their segments off."""

_FETCHES_BETWEEN: Final = 10
_PATIENCE: Final = 240.0
"""Seconds for each thing that a harm waits for."""


def harm_fetches(targets: Round) -> float:
    """Let Druid read through a proxy that harms its requests to Fetch, until all harms are done.

    Return the Unix time of the last harm's end. Then Druid reads without the proxy again.
    """
    return asyncio.run(_harm_fetches(targets.lab))


async def _harm_fetches(lab: Lab) -> float:
    broker = int(lab.kafka["bootstrap.servers"].rpartition(":")[2])
    [port] = free_ports(1)
    proxy = Proxy(HOST, {broker: port})
    harms = [
        Harm(kind, Api.FETCH, number * _FETCHES_BETWEEN, seconds)
        for number, (kind, seconds) in enumerate(_FETCH_KINDS.items(), 1)
    ]
    held = await asyncio.to_thread(_spec, lab)
    direct = {"type": held["type"], "spec": held["spec"]}
    through = deepcopy(direct)
    through["spec"]["ioConfig"]["consumerProperties"] |= {
        "bootstrap.servers": proxy.addresses,
        "client.id": _CLIENT,
    }
    async with proxy.serving():
        try:
            async with proxy.harming(_CLIENT, harms, lambda *_: False) as victim:
                await asyncio.to_thread(_submit, lab, through)
                await asyncio.to_thread(_wait_until_done, victim, len(harms))
                # The last harm begins with its request.
                await asyncio.sleep(harms[-1].seconds)
            ended = time.time()
        finally:
            readers = await asyncio.to_thread(_unfinished, lab)
            await asyncio.to_thread(_submit, lab, direct)
        # Tasks that read through the proxy need it until they have published.
        await asyncio.to_thread(_wait_until_ended, lab, readers)
    return ended


def _spec(lab: Lab) -> dict[str, Any]:
    return _answer(lambda: lab.druid.supervisor_spec(DATASOURCE), "with the supervisor's spec")


def _submit(lab: Lab, spec: Mapping[str, Any]) -> None:
    _answer(lambda: lab.druid.submit_supervisor(spec), "to the supervisor's new spec")


def _hand_off(lab: Lab) -> None:
    _answer(lambda: lab.druid.hand_off(DATASOURCE, [0]), "to the order to hand off")


def _answer(request: Callable[[], T], what: str) -> T:
    """Send a request to Druid until it answers, and return the answer."""
    answers: list[T] = []

    def answered() -> bool:
        answers.append(request())
        return True

    wait_until(answered, f"Druid's answer {what}", _PATIENCE, errors=DruidError)
    return answers[0]


def _wait_until_done(victim: Victim, count: int) -> None:
    wait_until(lambda: len(victim.done) == count, "Druid's requests to Fetch", _PATIENCE)


def _unfinished(lab: Lab) -> set[str]:
    return set(unfinished_tasks(_tasks(lab)))


def _wait_until_ended(lab: Lab, tasks: set[str]) -> None:
    wait_until(
        lambda: not tasks & _unfinished(lab),
        "the end of the tasks that read through the proxy",
        _PATIENCE,
    )


def lock_metadata_store(targets: Round) -> float:
    """Lock Druid's metadata store, and ask the tasks to publish meanwhile."""
    lab = targets.lab
    with metadata_locked(lab.settings):
        locked = time.monotonic()
        # Nobody promises an answer while the store is locked.
        with suppress(DruidError):
            lab.druid.hand_off(DATASOURCE, [0])
        time.sleep(max(0.0, locked + METADATA_LOCKED - time.monotonic()))
    return time.time()


def fill_deep_storage(targets: Round) -> float:
    """Fill the deep storage until a task has failed that should publish its segments."""
    lab = targets.lab
    before = _failed(lab)
    with filled(lab.settings.home / DEEP_STORAGE):
        _hand_off(lab)
        wait_until(
            lambda: bool(_failed(lab) - before),
            "the failure of a task that cannot publish",
            _PATIENCE,
        )
    return time.time()


def _failed(lab: Lab) -> set[str]:
    return {task["id"] for task in _tasks(lab) if task["statusCode"] == "FAILED"}


def _tasks(lab: Lab) -> list[dict[str, Any]]:
    return _answer(lambda: lab.druid.tasks(DATASOURCE), "with its tasks")


def lose_task(targets: Round) -> float:
    """Kill the overlord, and the indexer once the next overlord has taken its task over.

    Druid 33 then believes that the task still runs, when the indexer is back without it.
    """
    lab = targets.lab
    lab.kill("coordinator")
    # An overlord whose supervisor still looks for its tasks would notice that one does not answer.
    wait_until(lab.is_whole, "the next overlord to have taken the task over", _PATIENCE)
    lab.kill("indexer")
    return time.time()


def shift_indexer_clock(targets: Round) -> float:
    """Run the indexer with a clock two hours ahead, and then two hours behind.

    Each time its tasks must show the load's new events, also after a hand-off. Return the Unix time
    when the indexer may start with the right clock again.
    """
    for step in (CLOCK_STEP, -CLOCK_STEP):
        with with_clock(targets.lab, "indexer", step):
            _wait_until_read(targets, f"events of an indexer whose clock is {step:+.0f} s off")
            _hand_off(targets.lab)
            time.sleep(_HANDING_OFF)
            _wait_until_read(targets, "events after a hand-off of that indexer")
    return time.time()


def _wait_until_read(targets: Round, what: str) -> None:
    lab, load = targets.lab, targets.load
    wanted = load.acknowledged + 1
    wait_until(lambda: lab.rows(load.corrida) >= wanted, what, _PATIENCE)
