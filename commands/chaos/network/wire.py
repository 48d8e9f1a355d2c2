"""Kafka's framing: read requests and answers, and the part of a request's header that all share."""

import asyncio
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct(">hhih")
_LENGTH = struct.Struct(">i")
_CORRELATION = struct.Struct(">i")


class Api(IntEnum):
    """The kinds of requests that a schedule can harm, with Kafka's API keys."""

    PRODUCE = 0
    FETCH = 1
    METADATA = 3
    FIND_COORDINATOR = 10
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    END_TXN = 26


class Header(NamedTuple):
    """The first fields of a request; `client` is its ``client.id``."""

    api: int
    correlation: int
    client: str


async def read_frame(stream: asyncio.StreamReader) -> bytes | None:
    """Return a request or an answer without its length; None at the end of the connection."""
    try:
        [length] = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        return await stream.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def framed(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


def header_of(request: bytes) -> Header:
    api, _, correlation, length = _HEADER.unpack_from(request)
    begins = _HEADER.size
    return Header(api, correlation, request[begins : begins + max(length, 0)].decode())


def correlation_of(answer: bytes) -> int:
    [correlation] = _CORRELATION.unpack_from(answer)
    return int(correlation)


_QUORUM = b"__cluster_metadata"

QUORUM_REQUEST = (
    # DescribeQuorum in version 0: its header without a client id, one topic with partition 0.
    struct.pack(">hhihx", 55, 0, 0, -1)
    + struct.pack(f">BB{len(_QUORUM)}sBixxx", 2, len(_QUORUM) + 1, _QUORUM, 2, 0)
)
"""Asks a broker which node leads the controllers."""

_QUORUM_ANSWER = struct.Struct(f">ixhBB{len(_QUORUM)}sBihi")


def quorum_leader(answer: bytes) -> int | None:
    """Return the number of the node that leads the controllers; None without one."""
    *_, error, leader = _QUORUM_ANSWER.unpack_from(answer.ljust(_QUORUM_ANSWER.size, b"\xff"))
    return leader if error == 0 and leader > 0 else None


class Readdressed:
    """Replaces brokers' addresses by those of their proxies, in answers that tell clients of them.

    All have the same host, so no length in the answer changes. Since KIP-951 the answers to Produce
    and Fetch may name the new leader, too.
    """

    _APIS = (Api.METADATA, Api.FIND_COORDINATOR, Api.PRODUCE, Api.FETCH)

    def __init__(self, host: str, ports: Mapping[int, int]) -> None:
        """Replace each broker's port by its proxy's."""
        packed = [[host.encode() + _LENGTH.pack(port) for port in pair] for pair in ports.items()]
        self._addresses = [(broker, proxy) for broker, proxy in packed]

    def __call__(self, api: int, answer: bytes) -> bytes:
        if api in self._APIS:
            for broker, proxy in self._addresses:
                answer = answer.replace(broker, proxy)
        return answer
