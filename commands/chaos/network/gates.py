"""Gates between Kafka's nodes: every connection of one node to another passes one of them.

A node that is isolated keeps its connections, but nothing passes, as in a network that drops
packets. What was sent meanwhile arrives at the end, as TCP sends it again. Clients do not use the
gates, so they still reach the isolated node.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Final, NamedTuple

from commands.chaos.network.servers import serving
from commands.chaos.network.wire import framed, header_of, read_frame

_CHUNK: Final = 1 << 16


class Inside(NamedTuple):
    """A listener of a node behind a gate."""

    node: int
    port: int


class Gates:
    """The gates of a cluster; `serving` opens them."""

    def __init__(self, host: str, gates: Mapping[int, Inside]) -> None:
        """Use a gate for each of the `gates`, by its port."""
        self._host = host
        self._gates = gates
        self._isolated: int | None = None
        self._whole = asyncio.Event()
        self._whole.set()

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Accept connections until the block ends."""
        accepting = {port: partial(self._accept, inside) for port, inside in self._gates.items()}
        return serving(self._host, accepting)

    async def isolate(self, node: int, seconds: float) -> None:
        """Let nothing pass from or to this node for some seconds; one node at a time."""
        self._isolated = node
        self._whole.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._isolated = None
            self._whole.set()

    async def _accept(
        self, inside: Inside, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            # The client id of each connection between nodes has the number of the node.
            if (request := await read_frame(reader)) is None:
                return
            number = re.search(r"\d+", header_of(request).client)
            ends = {int(number.group()) if number else 0, inside.node}
            await self._passed(ends)
            there, onward = await asyncio.open_connection(self._host, inside.port)
            onward.write(framed(request))
            try:
                async with asyncio.TaskGroup() as directions:
                    directions.create_task(self._pass(ends, reader, onward))
                    directions.create_task(self._pass(ends, there, writer))
            finally:
                onward.close()
        except (OSError, asyncio.CancelledError):
            pass  # the node is away, or the gates close
        finally:
            writer.close()

    async def _pass(
        self, ends: set[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                await self._passed(ends)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _passed(self, ends: set[int]) -> None:
        """Wait while a node of a connection is isolated; a node always reaches itself."""
        while len(ends) > 1 and self._isolated in ends:
            await self._whole.wait()
