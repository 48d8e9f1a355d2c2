"""A proxy before Kafka's brokers that harms the requests and answers of chosen clients.

A client is known by its ``client.id``. The proxy passes on the frames of each connection in their
order, as TCP does; only requests of different connections can overtake each other.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from commands.chaos.network.harms import CUT_SHORT, Harm
from commands.chaos.network.servers import serving
from commands.chaos.network.wire import (
    Api,
    Header,
    Readdressed,
    correlation_of,
    framed,
    header_of,
    read_frame,
)

_ANSWER_TIMEOUT: Final = 10.0
_SLOW: Final = 5_000
"""Bytes per second of a throttled client."""

_REQUESTS, _ANSWERS = "requests", "answers"
_STALLED: Final = {
    "cut-requests": (_REQUESTS,),
    "cut-answers": (_ANSWERS,),
    "freeze": (_REQUESTS, _ANSWERS),
}


Hurt = Callable[[Harm, int], bool]
"""Begins a harm, given the port of the broker that gets the request which triggered it.

Returns whether the harm began.
"""


class Victim:
    """A client with the harms to it."""

    def __init__(self, harms: Iterable[Harm], hurt: Hurt) -> None:
        """Harm the client; `hurt` is called for harms that the proxy itself cannot do."""
        self._harms = list(harms)
        self._hurt = hurt
        self._sent: Counter[int] = Counter()
        self._stalled = dict.fromkeys((_REQUESTS, _ANSWERS), 0.0)
        self._slow = 0.0
        self._late: list[_Late] = []
        self._delivering: set[asyncio.Task[None]] = set()
        self.links: WeakSet[_Link] = WeakSet()
        self.done: list[Harm] = []
        """The harms that were triggered."""

    def triggered(self, api: int, broker: int) -> list[Harm]:
        """Count a request to this broker; return its harms, and begin those of more than it."""
        self._sent[api] += 1
        found = [h for h in self._harms if (h.api, h.nth) == (api, self._sent[api])]
        now = asyncio.get_running_loop().time()
        alone = []
        for harm in found:
            done = True
            if harm.kind in _STALLED:
                for direction in _STALLED[harm.kind]:
                    self._stalled[direction] = now + harm.seconds
            elif harm.kind == "throttle":
                self._slow = now + harm.seconds
            elif harm.kind == "reset":
                for link in tuple(self.links):
                    link.close()
            elif harm.kind.endswith(("-request", "-answer")):
                alone.append(harm)
            else:
                done = self._hurt(harm, broker)
            if done:
                self.done.append(harm)
        return alone

    async def wait_turn(self, direction: str, size: int) -> None:
        """Wait while this direction is stalled or slow."""
        clock = asyncio.get_running_loop().time
        while (left := self._stalled[direction] - clock()) > 0:
            await asyncio.sleep(left)
        if clock() < self._slow:
            await asyncio.sleep(min(size / _SLOW, self._slow - clock()))

    def deliver_late(self, harm: Harm, delivery: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Return a task that runs the delivery when the harm says."""
        late = _Late(harm)
        self._late.append(late)
        task = asyncio.create_task(late.run(harm.seconds, delivery))
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)
        return task

    def arriving_before(self, api: int) -> "list[_Late]":
        """Return the late requests that arrive before this request of the client."""
        due = [late for late in self._late if late.until == api and not late.passing]
        for late in due:
            self._late.remove(late)
        if api == Api.PRODUCE:
            for late in self._late:
                late.passing = max(0, late.passing - 1)
        return due

    async def calm(self) -> None:
        """Do no further harm, and deliver what is still late."""
        self._harms.clear()
        self._stalled = dict.fromkeys(self._stalled, 0.0)
        self._slow = 0.0
        for late in self._late:
            late.due.set()
        while self._delivering:
            await asyncio.wait(self._delivering)


class _Late:
    """A request that is under way for long."""

    def __init__(self, harm: Harm) -> None:
        self.until = harm.until
        self.passing = harm.passing
        self.due = asyncio.Event()
        self.delivered = asyncio.Event()

    async def run(self, seconds: float, delivery: Coroutine[Any, Any, None]) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.due.wait(), seconds)
        try:
            await delivery
        finally:
            self.delivered.set()


class _Link:
    """A client's connection, and the proxy's connection to the broker for it."""

    def __init__(self, proxy: "Proxy", port: int, client: "_Streams", broker: "_Streams") -> None:
        self._proxy = proxy
        self._port = port
        self._client = client
        self._broker = broker
        self._asked: dict[int, tuple[int, Victim, list[Harm]]] = {}
        self._answered = asyncio.Event()

    async def run(self) -> None:
        answers = asyncio.create_task(self._pass_answers())
        try:
            await self._pass_requests()
            # A request that was sent right before the connection's end is still carried out.
            await self._all_answered()
        finally:
            self.close()
            answers.cancel()

    def detach(self) -> None:
        """Close the client's connection; the broker does not notice."""
        self._client[1].close()

    def close(self) -> None:
        for _, writer in (self._client, self._broker):
            writer.close()

    async def _pass_requests(self) -> None:
        while (request := await read_frame(self._client[0])) is not None:
            header = header_of(request)
            victim = self._proxy.victim(header.client)
            victim.links.add(self)
            if not await self._pass_request(header, request, victim):
                return

    async def _pass_request(self, header: Header, request: bytes, victim: Victim) -> bool:
        """Send a request to the broker; return False if the connection ends with it."""
        harms = victim.triggered(header.api, self._port)
        await victim.wait_turn(_REQUESTS, len(request))
        for harm in harms:
            if harm.kind == "lose-request":
                self.close()
                return False
            if harm.kind == "late-request":
                self.detach()
                await victim.deliver_late(harm, self._send(header, request, victim))
                return False
            if harm.kind == "delay-request":
                await asyncio.sleep(harm.seconds)
            elif harm.kind == "repeat-request":
                victim.deliver_late(harm, self._proxy.ask(self._port, request))
        if late := victim.arriving_before(header.api):
            await self._all_answered()
            for each in late:
                each.due.set()
                await each.delivered.wait()
        if self._broker[1].is_closing():
            return False
        self._ask(header, request, victim, harms)
        return True

    def _ask(self, header: Header, request: bytes, victim: Victim, harms: list[Harm]) -> None:
        self._asked[header.correlation] = (header.api, victim, harms)
        self._broker[1].write(framed(request))

    async def _send(self, header: Header, request: bytes, victim: Victim) -> None:
        self._ask(header, request, victim, [])
        await self._all_answered()

    async def _all_answered(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                while self._asked:
                    self._answered.clear()
                    await self._answered.wait()

    async def _pass_answers(self) -> None:
        while (answer := await read_frame(self._broker[0])) is not None:
            api, victim, harms = self._asked.pop(correlation_of(answer))
            self._answered.set()
            for harm in harms:
                if harm.kind == "lose-answer":
                    self.detach()
                elif harm.kind == CUT_SHORT:
                    self._client[1].write(framed(answer)[: len(answer) // 2])
                    self.detach()
                elif harm.kind == "delay-answer":
                    await asyncio.sleep(harm.seconds)
            await victim.wait_turn(_ANSWERS, len(answer))
            if not self._client[1].is_closing():
                self._client[1].write(framed(self._proxy.readdressed(api, answer)))
        self._asked.clear()
        self._answered.set()
        self.detach()


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """The proxy; `serving` starts it."""

    def __init__(self, host: str, ports: Mapping[int, int]) -> None:
        """Listen on a port for each broker; `ports` has them by the broker's port."""
        self.host = host
        self._ports = ports
        self._victims: dict[str, Victim] = {}
        self._calm = Victim((), lambda *_: False)
        self.readdressed = Readdressed(host, ports)

    @property
    def addresses(self) -> str:
        """The proxy's addresses, for ``bootstrap.servers``."""
        return ",".join(f"{self.host}:{port}" for port in self._ports.values())

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Accept connections until the block ends."""
        accepting = {port: partial(self._accept, broker) for broker, port in self._ports.items()}
        return serving(self.host, accepting)

    @asynccontextmanager
    async def harming(
        self, client: str, harms: Iterable[Harm], hurt: Hurt
    ) -> AsyncIterator[Victim]:
        """Harm the client with this ``client.id`` during the block."""
        victim = self._victims[client] = Victim(harms, hurt)
        try:
            yield victim
            await victim.calm()
        finally:
            del self._victims[client]

    def victim(self, client: str) -> Victim:
        return self._victims.get(client, self._calm)

    async def ask(self, port: int, request: bytes) -> None:
        """Send a request on a connection of its own, and wait for its answer."""
        try:
            reader, writer = await asyncio.open_connection(self.host, port)
        except OSError:
            return
        try:
            writer.write(framed(request))
            with suppress(TimeoutError):
                await asyncio.wait_for(read_frame(reader), _ANSWER_TIMEOUT)
        finally:
            writer.close()

    async def _accept(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            broker = await asyncio.open_connection(self.host, port)
        except OSError:
            writer.close()
            return
        await _Link(self, port, (reader, writer), broker).run()
