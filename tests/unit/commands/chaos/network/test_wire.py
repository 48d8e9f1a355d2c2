"""Kafka's framing, as the harming proxy reads it."""

import asyncio
import struct

from commands.chaos.network.wire import Api, Readdressed, framed, header_of, read_frame


def test_header_of_a_request_is_read() -> None:
    request = struct.pack(">hhih", Api.END_TXN, 1, 77, 6) + b"client" + b"rest"
    assert header_of(request) == (Api.END_TXN, 77, "client")


def test_request_without_a_client_id_is_read() -> None:
    assert header_of(struct.pack(">hhih", Api.FETCH, 4, 5, -1) + b"rest").client == ""


def test_frames_are_read_one_by_one_until_the_connection_ends() -> None:
    async def frames(data: bytes) -> list[bytes | None]:
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        stream.feed_eof()
        return [await read_frame(stream) for _ in range(3)]

    cut_off = framed(b"third")[:-1]
    assert asyncio.run(frames(framed(b"one") + framed(b"") + cut_off)) == [b"one", b"", None]


def test_brokers_address_is_replaced_only_where_clients_learn_it() -> None:
    readdressed = Readdressed("127.0.0.1", 9092, 9192)
    answer, expected = (b"x127.0.0.1" + struct.pack(">i", port) + b"y" for port in (9092, 9192))
    assert readdressed(Api.METADATA, answer) == expected
    assert readdressed(Api.FETCH, answer) == answer
