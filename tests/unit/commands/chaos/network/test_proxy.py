"""The proxy before Kafka, with a stand-in for the broker; `tests/stream` uses a real one."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from commands.chaos.network.behind_proxy import BehindProxy
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


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request as the stand-in for the broker does."""
    while (request := await read_frame(reader)) is not None:
        writer.write(framed(request[4:8] + ANSWER))


async def answers(harm: Harm, requests: int) -> tuple[list[bytes], Victim]:
    """Send requests to Fetch through a proxy, each on a new connection; return what comes back."""
    behind, before = free_ports(2)
    proxy = Proxy(HOST, {behind: before})
    async with (
        await asyncio.start_server(answer, HOST, behind),
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


def test_client_behind_the_proxy_is_harmed_only_during_the_block() -> None:
    [port] = free_ports(1)
    lost = [Harm("lose-answer", Api.FETCH, number, 0) for number in (2, 9)]

    def sizes(way: BehindProxy) -> list[int]:
        found = [received(way)]
        with way.harming(lost) as victim:
            found += [received(way) for _ in range(3)]
        assert victim.done == lost[:1]
        return [*found, *(received(way) for _ in range(6))]

    async def beside_the_broker(way: BehindProxy) -> list[int]:
        async with await asyncio.start_server(answer, HOST, port):
            return await asyncio.to_thread(sizes, way)

    with BehindProxy({"bootstrap.servers": f"{HOST}:{port}"}, CLIENT.decode()) as way:
        found = asyncio.run(beside_the_broker(way))
    assert found == [ANSWER_SIZE, ANSWER_SIZE, 0, *[ANSWER_SIZE] * 7]


def received(way: BehindProxy) -> int:
    """Send a request to Fetch on a new connection; return the number of bytes that come back."""
    address = HOST, int(way.kafka["bootstrap.servers"].rpartition(":")[2])
    assert way.kafka["client.id"] == CLIENT.decode()
    with socket.create_connection(address) as connection, connection.makefile("rwb") as stream:
        stream.write(framed(struct.pack(">hhih", Api.FETCH, 0, 1, len(CLIENT)) + CLIENT))
        stream.flush()
        return len(stream.read(ANSWER_SIZE))
