"""Kafka's framing, as the harming proxy reads it."""

import asyncio
import struct

from commands.chaos.network.wire import (
    Api,
    Readdressed,
    framed,
    header_of,
    quorum_leader,
    read_frame,
)


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


def test_each_brokers_address_is_replaced_where_clients_learn_it() -> None:
    readdressed = Readdressed("127.0.0.1", {9092: 9192, 9093: 9193})
    answer, expected = (
        b"".join(b"x127.0.0.1" + struct.pack(">i", port) + b"y" for port in ports)
        for ports in ((9092, 9093, 9094), (9192, 9193, 9094))
    )
    assert readdressed(Api.METADATA, answer) == expected
    assert readdressed(Api.INIT_PRODUCER_ID, answer) == answer


def test_leader_of_the_controllers_is_read() -> None:
    topic = struct.pack(">BB18sBihi", 2, 19, b"__cluster_metadata", 2, 0, 0, 3)
    answer = struct.pack(">ixh", 0, 0) + topic
    assert quorum_leader(answer + b"rest") == 3
    assert quorum_leader(answer[:-4] + struct.pack(">i", -1)) is None
    assert quorum_leader(struct.pack(">ixhx", 0, 1)) is None
