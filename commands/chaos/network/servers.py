"""Servers that pass connections on, for the proxy and the gates."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves a connection until it ends."""


@asynccontextmanager
async def serving(host: str, accepting: Mapping[int, Accept]) -> AsyncIterator[None]:
    """Accept connections at each port until the block ends; it ends those that are still open."""
    links: set[asyncio.Task[None]] = set()

    async def serve(
        accept: Accept, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101 - the server runs this function as a task
        links.add(task)
        task.add_done_callback(links.discard)
        await accept(reader, writer)

    async with AsyncExitStack() as servers:
        for port, accept in accepting.items():
            server = await asyncio.start_server(partial(serve, accept), host, port)
            servers.callback(server.close)
        try:
            yield
        finally:
            for link in links:
                link.cancel()
            await asyncio.gather(*links, return_exceptions=True)
