"""Gates between Kafka's nodes: an isolated node reaches nobody, and what it sent arrives later."""

import asyncio
import struct

from commands.chaos.network.gates import Gates, Inside
from commands.chaos.network.wire import framed
from include.stack.ports import free_ports
from include.stack.settings import HOST

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request_of(client: str) -> bytes:
    return framed(struct.pack(">hhih", 1, 1, 1, len(client)) + client.encode())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


async def answers(streams: Streams, request: bytes) -> bool:
    """Send a request through a gate to an echo; return whether it comes back soon."""
    reader, writer = streams
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.readexactly(len(request)), 0.3) == request
    except TimeoutError:
        return False


def test_nothing_passes_between_an_isolated_node_and_the_others_until_it_ends() -> None:
    inside, gate = free_ports(2)

    async def scenario() -> None:
        node = await asyncio.start_server(echo, HOST, inside)
        gates = Gates(HOST, {gate: Inside(2, inside)})
        async with node, gates.serving():
            others = {n: await asyncio.open_connection(HOST, gate) for n in (1, 2, 3)}
            for n, streams in others.items():
                assert await answers(streams, request_of(f"broker-{n}-fetcher-0"))
            isolation = asyncio.create_task(gates.isolate(3, 60))
            await asyncio.sleep(0)
            assert await answers(others[1], b"from node 1")
            assert not await answers(others[3], b"from node 3")
            isolation.cancel()
            await asyncio.gather(isolation, return_exceptions=True)
            assert await others[3][0].readexactly(11) == b"from node 3"
            isolation = asyncio.create_task(gates.isolate(2, 60))
            await asyncio.sleep(0)
            assert await answers(others[2], b"from itself")
            assert not await answers(others[1], b"from node 1")
            isolation.cancel()
            for _, writer in others.values():
                writer.close()

    asyncio.run(scenario())


def test_connection_to_a_node_that_is_away_ends() -> None:
    inside, gate = free_ports(2)

    async def scenario() -> bytes:
        async with Gates(HOST, {gate: Inside(2, inside)}).serving():
            reader, writer = await asyncio.open_connection(HOST, gate)
            writer.write(request_of("raft-client-1"))
            ended = await asyncio.wait_for(reader.read(), 30)
            writer.close()
            return ended

    assert asyncio.run(scenario()) == b""
