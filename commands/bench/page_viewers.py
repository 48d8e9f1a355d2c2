"""Simulated viewers of the live page: each looks, pauses and looks again, as the page's script."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import httpx

from commands.bench.figures import percentile
from commands.bench.page_looks import PROBES, SPLITS, VISITS, Look, Pauses

FAILED_SECONDS: Final = 30.0
"""Seconds that a failed look counts; also the time-out of each look."""

START_SECONDS: Final = 300.0
"""Seconds to wait for the page's first answer after Druid's start."""

HELD_MS: Final = 400.0
"""The p95 that viewers must have, in milliseconds."""

_PATHS: Final = {"findings": "api/findings", "explore": "api/explore"}
"""Paths of the kinds of looks that are not at the live page's figures."""

_AFTER_TROUBLE: Final = 5.0
"""Seconds that the page waits after a failed look."""


class Seen(NamedTuple):
    """A look and its result."""

    look: Look
    kind: str
    """``first``: this viewer's first look with these filters; ``again``: a later one;
    ``findings``: a request for the findings; ``explore``: a split."""
    seconds: float
    age: float
    """Age of the answer in seconds: from the end of its data to now; 0 for findings."""
    failed: bool = False


class Viewer:
    """A logged-in client of the page's API."""

    def __init__(self, url: str, token: str, pauses: Pauses) -> None:
        """Open a client of Airflow at `url`; `token` is the JWT of a login."""
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(
            base_url=f"{url}/ventas/",
            # As in a browser.
            cookies={"_token": token},
            headers={"Accept": "application/json"},
            timeout=FAILED_SECONDS,
            limits=limits,
        )
        self._pauses = pauses

    async def look(self, look: Look, kind: str) -> Seen:
        """Send one request, for the sales, the findings or a split; return its result."""
        began = time.monotonic()
        try:
            answer = await self._client.get(_PATHS.get(kind, "api/live"), params=look.parameters)
            answer.raise_for_status()
            until = answer.json().get("end") if kind != "findings" else None
        except httpx.HTTPError:
            return Seen(look, kind, FAILED_SECONDS, FAILED_SECONDS, failed=True)
        seconds = time.monotonic() - began
        age = datetime.now(UTC).timestamp() - until / 1000 if until else 0.0
        return Seen(look, kind, seconds, age)

    async def stay(self, look: Look, seconds: float) -> list[Seen]:
        """Look again and again for `seconds`, as the page does: at the sales and the findings."""
        until = time.monotonic() + seconds
        both = (
            self._poll(look, until, self._pauses.looks[look.rango], ("first", "again")),
            self._poll(look, until, self._pauses.findings, ("findings", "findings")),
        )
        return [seen for of_one in await asyncio.gather(*both) for seen in of_one]

    async def _poll(
        self, look: Look, until: float, pause: float, kinds: tuple[str, str]
    ) -> list[Seen]:
        seen: list[Seen] = []
        while time.monotonic() < until or not seen:
            seen.append(await self.look(look, kinds[bool(seen)]))
            wait = max(pause, _AFTER_TROUBLE) if seen[-1].failed else pause
            await asyncio.sleep(min(wait, max(0.0, until - time.monotonic())))
        return seen

    async def close(self) -> None:
        await self._client.aclose()


def probe(url: str, token: str, pauses: Pauses) -> list[Seen]:
    """Look at each range with the filters of `PROBES`, twice in a row."""

    async def run(viewer: Viewer) -> list[Seen]:
        looks = [Look(rango, filters) for rango in pauses.looks for filters in PROBES]
        return [await viewer.look(look, kind) for look in looks for kind in ("first", "again")]

    return asyncio.run(_with(Viewer(url, token, pauses), run))


def explore(url: str, token: str, pauses: Pauses) -> list[Seen]:
    """Ask for each of `SPLITS` with each range, one after the other."""

    async def run(viewer: Viewer) -> list[Seen]:
        looks = [Look(rango, split) for rango in pauses.looks for split in SPLITS]
        return [await viewer.look(look, "explore") for look in looks]

    return asyncio.run(_with(Viewer(url, token, pauses), run))


def visit(url: str, token: str, pauses: Pauses, seconds: float) -> list[Seen]:
    """Simulate one viewer, who stays at each of `VISITS` for `seconds`."""

    async def run(viewer: Viewer) -> list[Seen]:
        return [seen for look in VISITS for seen in await viewer.stay(look, seconds)]

    return asyncio.run(_with(Viewer(url, token, pauses), run))


def first_minutes(url: str, token: str, pauses: Pauses, seconds: float) -> list[Seen]:
    """Wait until the page answers, as after a start, and then visit for `seconds` in all.

    The first look is the first one that succeeded.

    Raises `TimeoutError` if none did within `START_SECONDS`.
    """

    async def run(viewer: Viewer) -> list[Seen]:
        until = time.monotonic() + START_SECONDS
        while (first := await viewer.look(VISITS[0], "first")).failed:
            if time.monotonic() > until:
                raise TimeoutError(f"the page did not answer within {START_SECONDS:.0f} s")
            await asyncio.sleep(0.5)
        each = seconds / len(VISITS)
        return [first, *[seen for look in VISITS for seen in await viewer.stay(look, each)]]

    return asyncio.run(_with(Viewer(url, token, pauses), run))


def crowd(
    url: str, token: str, pauses: Pauses, looks: Sequence[Look], seconds: float
) -> list[Seen]:
    """Simulate a viewer for each look, all at the same time, for `seconds` each."""

    async def run(viewer: Viewer) -> list[Seen]:
        async def arrive(position: int, look: Look) -> list[Seen]:
            # Real viewers do not all open the page at the same moment: spread them over a second.
            await asyncio.sleep(position / len(looks))
            return await viewer.stay(look, seconds)

        found = await asyncio.gather(*(arrive(*item) for item in enumerate(looks)))
        return [seen for of_one in found for seen in of_one]

    return asyncio.run(_with(Viewer(url, token, pauses), run))


async def _with(viewer: Viewer, run: Callable[[Viewer], Awaitable[list[Seen]]]) -> list[Seen]:
    try:
        return await run(viewer)
    finally:
        await viewer.close()


def at_sales(seen: Iterable[Seen]) -> list[Seen]:
    return [answer for answer in seen if answer.kind != "findings"]


def at_findings(seen: Iterable[Seen]) -> list[Seen]:
    return [answer for answer in seen if answer.kind == "findings"]


def summary(seen: Iterable[Seen]) -> dict[str, float]:
    """Return the number of looks, their times (ms) and the age of their answers (s)."""
    seen = list(seen)
    times = [answer.seconds * 1000 for answer in seen]
    return {
        "looks": len(seen),
        "failed": sum(answer.failed for answer in seen),
        "p50_ms": round(percentile(times, 50), 1),
        "p95_ms": round(percentile(times, 95), 1),
        "p99_ms": round(percentile(times, 99), 1),
        "max_ms": round(max(times), 1),
        "age_p95_s": round(percentile([answer.age for answer in seen], 95), 2),
    }


def most_held(levels: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the level with the most viewers that holds `HELD_MS`; None if none does.

    `levels` are summaries with their number of `viewers`.
    """
    held = (it for it in levels if it["p95_ms"] <= HELD_MS and not it["failed"])
    return max(held, key=lambda it: it["viewers"], default=None)


def by_range(seen: Iterable[Seen]) -> list[dict[str, Any]]:
    """Return a summary for each range, with and without filters, and kind of look."""
    groups: dict[tuple[str, bool, str], list[Seen]] = {}
    for answer in seen:
        groups.setdefault((answer.look.rango, bool(answer.look.filters), answer.kind), []).append(
            answer
        )
    return [
        {"rango": rango, "filtered": filtered, "kind": kind, **summary(found)}
        for (rango, filtered, kind), found in groups.items()
    ]
