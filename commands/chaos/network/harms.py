"""Schedules of harms to a producer, to Kafka and to the network between, drawn from a seed."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

import msgspec

from commands.chaos.network.wire import Api

_ANY: Final = tuple(Api)
_TRANSACTIONAL: Final = (
    *(Api.INIT_PRODUCER_ID, Api.ADD_PARTITIONS_TO_TXN),
    *(Api.PRODUCE, Api.PRODUCE, Api.END_TXN, Api.END_TXN, Api.END_TXN),
)

KINDS: Final[dict[str, tuple[float, Sequence[Api]]]] = {
    "late-request": (8, _TRANSACTIONAL),
    "repeat-request": (2, (Api.INIT_PRODUCER_ID, Api.ADD_PARTITIONS_TO_TXN, Api.PRODUCE)),
    "lose-request": (2, _ANY),
    "lose-answer": (4, _ANY),
    "delay-request": (4, _ANY),
    "delay-answer": (3, _ANY),
    "cut-requests": (1, _ANY),
    "cut-answers": (1, _ANY),
    "freeze": (1, _ANY),
    "throttle": (1, _ANY),
    "reset": (2, _ANY),
    "kill": (2, _TRANSACTIONAL),
    "stop": (1, _TRANSACTIONAL),
    "replace": (2, _TRANSACTIONAL),
    "stop-broker": (1, _TRANSACTIONAL),
}
"""By kind of harm: how often it is drawn, and the requests that can trigger it.

A late request reaches the broker after the client has lost the connection, sent the request again
on another one, and gone on. A repeated request reaches the broker twice. A cut stops one direction,
a freeze both, for some seconds; a throttle slows both. A reset closes all connections. Kill and
stop (SIGSTOP) are of the producer's process; replace stops it and starts the next one meanwhile.
"""

_SELLING: Final = (Api.ADD_PARTITIONS_TO_TXN, Api.PRODUCE, Api.END_TXN)

NETWORK: Final = {
    kind: [api for api in apis if api in _SELLING]
    for kind, (_, apis) in KINDS.items()
    if kind not in ("kill", "stop", "replace", "stop-broker")
}
"""Those kinds that harm only the network, with the requests of a producer that sells."""

CUT_SHORT: Final = "cut-short-answer"
"""The connection ends in the middle of an answer. No schedule of a producer draws it; the scenario
`fetch` does it to Druid."""

FILL: Final = "fill-broker"
CLOCKS: Final = ("forward-broker", "backward-broker", "forward-controller", "backward-controller")
NODE_KINDS: Final[dict[str, tuple[float, Sequence[Api]]]] = {
    "kill-broker": (0.8, _TRANSACTIONAL),
    "kill-controller": (0.8, _TRANSACTIONAL),
    "stop-controller": (0.8, _TRANSACTIONAL),
    "isolate-broker": (0.8, _TRANSACTIONAL),
    "isolate-controller": (0.8, _TRANSACTIONAL),
    FILL: (0.8, _TRANSACTIONAL),
    **dict.fromkeys(CLOCKS, (0.4, _TRANSACTIONAL)),
}
"""More kinds, for a Kafka of three nodes; drawn together with `KINDS`.

The harmed broker is the one that gets the request: the leader of a partition, or the coordinator of
the transaction. The controller is the node that leads the controllers. A killed node starts again
after some seconds; an isolated one does not reach the other nodes, but its clients; a full disk
ends the broker; a clock is set two hours forward or backward for some seconds.
"""

_SECONDS: Final = (0.02, 0.1, 0.3, 0.6, 1.2)
_NODE_SECONDS: Final = (0.5, 2.0, 5.0, 9.0)
_TIMEOUTS_MS: Final = (500, 500, 3000)
_RARE: Final = (Api.FETCH, Api.METADATA, Api.FIND_COORDINATOR, Api.INIT_PRODUCER_ID)


class Harm(msgspec.Struct, frozen=True, omit_defaults=True):
    """A harm that the client's request number `nth`, from 1 on, of a kind of API triggers."""

    kind: str
    api: Api
    nth: int
    seconds: float
    """How long the harm lasts, or at the latest after how long a late request arrives."""
    until: Api | None = None
    """A late or repeated request arrives before the client's next request to this API..."""
    passing: int = 0
    """... once so many of its requests to Produce have passed."""

    def __post_init__(self) -> None:
        if self.kind not in (kinds := (*KINDS, *NODE_KINDS, CUT_SHORT)):
            raise ValueError(f"the kinds of harms are {', '.join(kinds)}, not {self.kind!r}")

    @property
    def of_node(self) -> bool:
        """Whether a broker is harmed, or the controller, and not the network or the producer."""
        return self.kind.endswith(("-broker", "-controller"))


class Schedule(msgspec.Struct, frozen=True):
    """A run of the producer and the harms to it."""

    name: str
    transactions: int
    """Number of sales that begin, one in each transaction."""
    harms: tuple[Harm, ...]
    partitions: int = 1
    """Number of partitions of the topic of the sales; the ledger has one."""
    timeout_ms: int = 10_000
    """Milliseconds without an answer after which the client drops a connection."""


def drawn(seed: int, number: int, *, brokers: int = 1) -> Schedule:
    """Return schedule `number` of a seed for one broker or three.

    It does not depend on the other schedules.
    """
    name = f"{seed}/{number}" if brokers == 1 else f"{seed}/{number}/{brokers}"
    random = Random(name)  # noqa: S311 - no secret
    possible = KINDS if brokers == 1 else KINDS | NODE_KINDS
    kinds = random.choices(
        list(possible), [weight for weight, _ in possible.values()], k=random.randint(1, 5)
    )
    seconds = _SECONDS if brokers == 1 else _NODE_SECONDS
    return Schedule(
        name=name,
        transactions=random.randint(3, 8),
        harms=tuple(_harm(kind, random, seconds) for kind in kinds),
        partitions=random.choice((1, 3)),
        timeout_ms=random.choice(_TIMEOUTS_MS),
    )


def _harm(kind: str, random: Random, node_seconds: Sequence[float]) -> Harm:
    api = random.choice((KINDS | NODE_KINDS)[kind][1])
    nth = random.randint(1, 3 if api in _RARE else 8)
    harm = Harm(kind, api, nth, random.choice(_SECONDS))
    if harm.of_node:
        return msgspec.structs.replace(harm, seconds=random.choice(node_seconds))
    if kind not in ("late-request", "repeat-request"):
        return harm
    triggers = (Api.PRODUCE, Api.PRODUCE, Api.ADD_PARTITIONS_TO_TXN, Api.END_TXN, None)
    return msgspec.structs.replace(
        harm, until=random.choice(triggers), passing=random.randint(0, 2)
    )


def drawn_to_network(random: Random) -> tuple[Harm, ...]:
    """Return one to four harms to the network between a producer that sells and its one broker."""
    kinds = random.choices(
        list(NETWORK), [KINDS[kind][0] for kind in NETWORK], k=random.randint(1, 4)
    )
    return tuple(
        msgspec.structs.replace(
            _harm(kind, random, _SECONDS),
            api=random.choice(NETWORK[kind]),
            nth=random.randint(1, 8),
        )
        for kind in kinds
    )


async def shrunk(schedule: Schedule, fails: Callable[[Schedule], Awaitable[bool]]) -> Schedule:
    """Return the failing schedule without the harms and transactions that it fails without."""
    for harm in schedule.harms:
        harms = tuple(other for other in schedule.harms if other is not harm)
        if await fails(smaller := msgspec.structs.replace(schedule, harms=harms)):
            schedule = smaller
    while schedule.transactions > 1:
        fewer = msgspec.structs.replace(schedule, transactions=schedule.transactions - 1)
        if not await fails(fewer):
            break
        schedule = fewer
    return schedule
