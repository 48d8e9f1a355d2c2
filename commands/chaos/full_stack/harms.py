"""Schedules of harms to parts of the full stack, drawn from a seed."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from random import Random
from subprocess import CalledProcessError
from typing import Final

import msgspec
import psutil
from sqlalchemy.exc import OperationalError

from commands.chaos.clocks import CLOCK_STEP
from commands.chaos.disks import filled
from commands.chaos.druid_harms import DEEP_STORAGE
from commands.chaos.metadata_store import metadata_locked
from commands.chaos.network.harms import Harm, drawn_to_network
from commands.chaos.processes import kill, stopped
from commands.chaos.round import Round
from commands.chaos.scenarios import KAFKA_DISK, Scenario
from commands.chaos.wrong_clock import with_clock
from include.druid.client import DruidError
from include.names import DATASOURCE
from include.stack import airflow

PROCESSES: Final = (
    *("kafka", "zookeeper", "coordinator", "broker", "router", "historical", "indexer"),
    *airflow.COMPONENTS,
    *("producer", "tasks"),
)
"""Parts that are processes: those that supervisord keeps, the load's producer, Airflow's tasks."""

DISKS: Final = {"kafka-disk": KAFKA_DISK, "deep-storage": DEEP_STORAGE}
"""Parts that are disks, with their folders below the stack's."""

CLOCKS: Final = {"forward": CLOCK_STEP, "backward": -CLOCK_STEP}
"""Harms to a clock, with the seconds by which it is set."""

WITH_CLOCK: Final = ("kafka", "coordinator", "historical", "indexer")
"""Processes whose clock is set."""

PARTS: Final[dict[str, tuple[float, Sequence[str]]]] = {
    **dict.fromkeys(PROCESSES, (1.0, ("kill", "stop"))),
    **{f"{name}-clock": (0.25, tuple(CLOCKS)) for name in WITH_CLOCK},
    "network": (1.0, ("harm",)),
    "segments": (1.0, ("hand-off",)),
    "database": (0.6, ("lock",)),
    "metadata-store": (0.6, ("lock",)),
    **dict.fromkeys(DISKS, (0.6, ("fill",))),
    "vm": (0.3, ("turn-off",)),
}
"""By part: how often it is drawn, and the kinds of harm to it.

Kill is SIGKILL; stop is SIGSTOP, and SIGCONT some seconds later. Druid hands its segments off.
A process starts again with a clock that is set, and some seconds later with the right one. Requests
of the load's producer to Kafka, or their answers, are harmed by a proxy (`network.harms`).
Airflow's metadata database or Druid's metadata store is locked for some seconds. Kafka's disk or
Druid's deep storage is full for some seconds. The VM is turned off, and Druid with it; the
window's task *Cuidar la VM* (`watch_vm`) starts it again.
"""

_DURATIONS: Final = {
    "stop": (2.0, 15.0),
    "lock": (5.0, 20.0),
    "fill": (5.0, 15.0),
    "harm": (5.0, 15.0),
    **dict.fromkeys(CLOCKS, (15.0, 30.0)),
}
"""Shortest and longest time in seconds, by kind of harm."""

_BEGINNING: Final = 10.0
"""Seconds within which all harms of a round begin."""

_SELLING: Final = 200.0
"""Seconds that a round usually takes at most; the window must still sell for so long."""

_PATIENCE: Final = 900.0
"""Seconds to wait for a recovery: parts that start at once slow each other down."""


class StackHarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """A harm to a part, which begins `at` seconds after the round's first harm could begin."""

    kind: str
    part: str
    at: float
    seconds: float = 0
    """How long the harm lasts; 0 if it has no duration."""
    requests: tuple[Harm, ...] = ()
    """The harms to the network; each begins with a request within these seconds."""

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ValueError(f"the parts are {', '.join(PARTS)}, not {self.part!r}")
        if self.kind not in (kinds := PARTS[self.part][1]):
            raise ValueError(f"the harms to {self.part} are {', '.join(kinds)}, not {self.kind!r}")

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        requests = ", ".join(f"{it.kind} of {it.api.name} {it.nth}" for it in self.requests)
        each = f" ({requests})" if requests else ""
        return f"{self.kind} {self.part} at {self.at:g} s{lasting}{each}"


class StackSchedule(msgspec.Struct, frozen=True):
    """The harms of a round, each to another part."""

    name: str
    harms: tuple[StackHarm, ...]

    def scenario(self) -> Scenario:
        """Return these harms as a scenario, whose recovery begins when the last harm has ended."""
        text = ", ".join(str(harm) for harm in sorted(self.harms, key=lambda harm: harm.at))
        return Scenario(
            text,
            partial(inflict, self),
            "both",
            seconds=_SELLING,
            patience=_PATIENCE,
            disks=tuple(DISKS[harm.part] for harm in self.harms if harm.part in DISKS),
            behind_proxy=any(harm.part == "network" for harm in self.harms),
        )


def drawn(seed: int, number: int) -> StackSchedule:
    """Return schedule `number` of a seed; it does not depend on the other schedules."""
    name = f"random-{seed}-{number}"
    random = Random(name)  # noqa: S311 - no secret
    weights = [weight for weight, _ in PARTS.values()]
    count = random.randint(2, 4)
    # One harm to each part: supervisord gives up on a process that ends too often.
    parts: list[str] = []
    while len(parts) < count:
        [part] = random.choices(list(PARTS), weights)
        if all(_are_apart(part, other) for other in parts):
            parts.append(part)
    return StackSchedule(name, tuple(_harm(part, random) for part in parts))


def _are_apart(part: str, other: str) -> bool:
    """Return whether both can be harmed in a round.

    A process with a wrong clock is not supervisord's: neither that process nor the VM is harmed.
    """
    names = {it.removesuffix("-clock") for it in (part, other)}
    has_clock = part.endswith("-clock") or other.endswith("-clock")
    return len(names) == 2 and not (has_clock and "vm" in names)


def _harm(part: str, random: Random) -> StackHarm:
    kind = random.choice(PARTS[part][1])
    at = round(random.uniform(0, _BEGINNING), 1)
    seconds = round(random.uniform(*_DURATIONS.get(kind, (0, 0))), 1)
    return StackHarm(kind, part, at, seconds, drawn_to_network(random) if part == "network" else ())


def inflict(schedule: StackSchedule, targets: Round) -> float:
    """Do all harms, each in its own thread; return the Unix time when the last one has ended."""
    with ThreadPoolExecutor(len(schedule.harms)) as threads:
        doing = [threads.submit(_do, harm, targets) for harm in schedule.harms]
    ended = time.time()
    for harm in doing:
        harm.result()
    return ended


def _do(harm: StackHarm, targets: Round) -> None:
    lab = targets.lab
    time.sleep(harm.at)
    match harm.kind:
        case "kill":
            kill(_processes(harm.part, targets))
        case "stop":
            with stopped(_processes(harm.part, targets)):
                time.sleep(harm.seconds)
        case "fill":
            with filled(lab.settings.home / DISKS[harm.part]):
                time.sleep(harm.seconds)
        case "lock" if harm.part == "metadata-store":
            # Another harm may have the store away, or hold its tables.
            with suppress(CalledProcessError), metadata_locked(lab.settings):
                time.sleep(harm.seconds)
        case "lock":
            # A process that is stopped may hold a lock for longer than this one is waited for.
            with suppress(OperationalError), lab.database_locked():
                time.sleep(harm.seconds)
        case "forward" | "backward":
            name = harm.part.removesuffix("-clock")
            with with_clock(lab, name, CLOCKS[harm.kind]):
                time.sleep(harm.seconds)
        case "harm":
            assert targets.network  # noqa: S101 - by `scenario`
            with targets.network.harming(harm.requests):
                time.sleep(harm.seconds)
        case "hand-off":
            # Another harm may have Druid away.
            with suppress(DruidError):
                lab.druid.hand_off(DATASOURCE, [0])
        case "turn-off":
            lab.stop_vm()


def _processes(part: str, targets: Round) -> Sequence[psutil.Process]:
    if part == "producer":
        return targets.load.processes()
    if part == "tasks":
        return targets.lab.task_processes()
    return targets.lab.processes(part)
