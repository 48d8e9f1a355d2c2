"""The proxy before Kafka, with a stand-in for the broker; `tests/stream` uses a real one."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

from commands.chaos.network.harms import CUT_SHORT, Harm
from commands.chaos.network.proxy import Proxy
from commands.chaos.network.wire import Api, framed, read_frame
from include.stack.ports import free_ports
from include.stack.settings import HOST

if TYPE_CHECKING:
    from commands.chaos.network.proxy import Victim

CLIENT = b"druid"
ANSWER = bytes(100)
ANSWER_SIZE = 4 + len(ANSWER) + 4
"""Bytes of the stand-in's answer: its length, the request's number, the content."""


async def answers(harm: Harm, requests: int) -> tuple[list[bytes], Victim]:
    """Send requests to Fetch through a proxy, each on a new connection; return what comes back."""
    behind, before = free_ports(2)
    proxy = Proxy(HOST, {behind: before})

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await read_frame(reader)) is not None:
            writer.write(framed(request[4:8] + ANSWER))

    async with (
        await asyncio.start_server(broker, HOST, behind),
        proxy.serving(),
        proxy.harming(CLIENT.decode(), [harm], lambda *_: False) as victim,
    ):
        found = []
        for number in range(requests):
            reader, writer = await asyncio.open_connection(HOST, before)
            header = struct.pack(">hhih", Api.FETCH, 0, number, len(CLIENT)) + CLIENT
            writer.write(framed(header))
            try:
                found.append(await reader.readexactly(ANSWER_SIZE))
            except asyncio.IncompleteReadError as error:
                found.append(error.partial)
            writer.close()
        return found, victim


def test_answer_that_is_cut_short_ends_in_its_middle_and_the_next_is_whole() -> None:
    found, victim = asyncio.run(answers(Harm(CUT_SHORT, Api.FETCH, 1, 0), 2))
    assert [len(answer) for answer in found] == [(ANSWER_SIZE - 4) // 2, ANSWER_SIZE]
    assert [harm.kind for harm in victim.done] == [CUT_SHORT]
