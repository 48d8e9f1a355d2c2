"""Kafka's framing: read requests and answers, and the part of a request's header that all share."""

import asyncio
import struct
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


class Readdressed:
    """Replaces the broker's address by the proxy's, in answers that tell clients where to connect.

    Both have the same host, so no length in the answer changes.
    """

    _APIS = (Api.METADATA, Api.FIND_COORDINATOR)

    def __init__(self, host: str, broker: int, proxy: int) -> None:
        self._broker, self._proxy = (host.encode() + _LENGTH.pack(port) for port in (broker, proxy))

    def __call__(self, api: int, answer: bytes) -> bytes:
        return answer.replace(self._broker, self._proxy) if api in self._APIS else answer
