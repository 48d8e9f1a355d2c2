"""A producer of the full stack behind the proxy, which runs in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from commands.chaos.network.harms import Harm
from commands.chaos.network.proxy import Proxy, Victim
from include.stack.ports import free_ports
from include.stack.settings import HOST

_PATIENCE: Final = 60.0
"""Seconds for each step of the proxy; a late request arrives within about a second."""


class BehindProxy:
    """The way of a client to Kafka's broker; a `with` block opens and closes it."""

    def __init__(self, kafka: dict[str, Any], client: str) -> None:
        """Prepare the way of the client with this ``client.id`` and configuration."""
        broker = int(kafka["bootstrap.servers"].rpartition(":")[2])
        [port] = free_ports(1)
        self._client = client
        self._proxy = Proxy(HOST, {broker: port})
        self.kafka = {**kafka, "bootstrap.servers": self._proxy.addresses, "client.id": client}
        """The client's configuration."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._serving = self._proxy.serving()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._serving.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._serving.__aexit__(kind, error, trace))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def harming(self, harms: Iterable[Harm]) -> Iterator[Victim]:
        """Harm the client's requests during the block."""
        # The producer is a process that other harms kill and stop.
        harming = self._proxy.harming(self._client, harms, lambda *_: False)
        victim: Victim = self._run(harming.__aenter__())
        try:
            yield victim
        finally:
            self._run(harming.__aexit__(None, None, None))

    def _run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(_PATIENCE)
