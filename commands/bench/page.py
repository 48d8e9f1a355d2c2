"""Measure the live page over millions of past events: its API, its screen, its processor time.

Each number of past events has a stack of its own, whose folder stays: only the first run has to
fill it. A window sells meanwhile, as fast with each past, so that only the past differs.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from commands.bench.figures import percentile
from commands.bench.page_cpu import Used, measured, per_look
from commands.bench.page_looks import pauses, viewers
from commands.bench.page_past import COORDINATOR, fill_past, is_compacted
from commands.bench.page_screen import Screen, api_view, browser_path, chromium, delays
from commands.bench.page_viewers import (
    Seen,
    at_findings,
    at_sales,
    by_range,
    crowd,
    explore,
    first_minutes,
    most_held,
    probe,
    summary,
    visit,
)
from commands.demo import wait_for_dags
from include.druid.client import DruidClient, DruidError
from include.druid.queries import for_datasource
from include.druid.supervisor import missing_rows
from include.names import DATASOURCE, PUBLISH_TASK, WINDOW_DAG
from include.stack import airflow, stack
from include.stack.airflow_api import AirflowApi
from include.stack.settings import Settings
from include.stack.stack import Progress
from include.stack.temporary import temporary_settings
from include.texts import terminal_text
from include.waiting import wait_until

_WINDOW_PATIENCE = 300.0
_MILLION_PATIENCE = 120.0
"""Seconds that Druid may take for each million past events: to ingest, store or compact them."""
_LIVE_MINUTES = 720
"""Minutes of the live window: longer than any measurement, at whose end the window is closed."""

_UNSEEN = 11.0
"""Seconds after which the page's server no longer serves an old answer for a live range."""


class Size(NamedTuple):
    """Size of a benchmark: data to fill, and number and duration of the measurements."""

    pasts: Sequence[float]
    """Millions of past events; with each, everything is measured."""
    rates: Sequence[float]
    """Sales a second that are sold meanwhile; with each, everything is measured."""
    first: float
    """Minutes after a start of Druid that are measured separately; 0 for none."""
    idle: float
    """Seconds without viewers, in which the stack's own processor time is measured."""
    visit: float
    """Seconds that the single viewer stays at each look."""
    viewers: int
    """Number of viewers at once of which the figures are."""
    levels: Sequence[int]
    """Numbers of viewers at once, ascending, `viewers` among them. After `viewers`, the first level
    that is too slow is the last one."""
    crowd: float
    """Seconds that these viewers stay."""
    sales: int
    """Number of sales whose way to the screen is timed."""
    paints: int
    """Number of first paints of each kind."""


FULL: Final = Size(
    pasts=(5, 20),
    rates=(0.67,),
    first=5,
    idle=60,
    visit=15,
    viewers=50,
    levels=(10, 20, 50, 100, 200),
    crowd=60,
    sales=20,
    paints=5,
)
QUICK: Final = Size(
    pasts=(0.5,),
    rates=(0.67,),
    first=0,
    idle=10,
    visit=3,
    viewers=20,
    levels=(5, 10, 20, 50),
    crowd=10,
    sales=5,
    paints=2,
)


def measure_page(settings: Settings, progress: Progress, size: Size) -> dict[str, Any]:
    """Fill and measure; return the figures, and the measurements of each stage in `sizes`.

    `settings` are the user's; the folders of the benchmark's stacks are inside of their folder.

    Raises:
        StackError: a service failed.
        WaitTimeoutError: a run of Airflow, or Druid, took too long.
    """
    stages = []
    for past in size.pasts:
        for rate in size.rates:
            keep = settings.home / f"bench-page-{past:g}-{rate:g}"
            with temporary_settings(settings, keep) as own, _stack(own, progress):
                stages.append(_Stage(own, progress, size, past, rate).measure())
    return {**figures(stages), "sizes": stages}


def figures(stages: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the first stage's figures, and how many times larger the last past's are.

    Both have the same rate.
    """
    first = stages[0]
    last = [stage for stage in stages if stage["rate"] == first["rate"]][-1]
    both = ("api", "viewers")
    growth = [last[part]["p95_ms"] / first[part]["p95_ms"] for part in both]
    cpu_growth = [last[part]["cpu_ms"]["all"] / first[part]["cpu_ms"]["all"] for part in both]
    paint, start, held = (first.get(key) for key in ("first_paint", "first_minutes", "most_held"))
    return {
        "first_paint_s": paint["max_s"] if paint else None,
        "api_p95_ms": first["api"]["p95_ms"],
        "explore_p95_ms": first["explore"]["p95_ms"],
        "event_on_screen_s": first["event_on_screen"]["max_s"],
        "viewers_p95_ms": first["viewers"]["p95_ms"],
        "crowding": first["viewers"]["p95_ms"] / first["api"]["p95_ms"],
        "viewers_held": held["viewers"] if held else 0,
        "first_minutes_p95_ms": start["p95_ms"] if start else None,
        "growth": max(growth) if last is not first else None,
        "cpu_ms": first["viewers"]["cpu_ms"]["all"],
        "cpu_growth": max(cpu_growth) if last is not first else None,
    }


class _Stage:
    """The measurement of one past at one rate, on its stack."""

    def __init__(
        self, settings: Settings, progress: Progress, size: Size, past: float, rate: float
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._size = size
        self._past = past
        self._rate = rate
        self._api = AirflowApi(settings.url("airflow"), airflow.USER, airflow.password(settings))
        self._druid = DruidClient(settings.url("druid"))
        self._viewer = (settings.url("airflow"), self._api.token, pauses())

    def measure(self) -> dict[str, Any]:
        """Fill what the past lacks, measure everything, and measure the start of another window."""
        wait_for_dags(self._api, (WINDOW_DAG,))
        self._api.set_paused(WINDOW_DAG, False)
        for run in self._api.active_runs(WINDOW_DAG):
            # An interrupted benchmark left it.
            self._close(run)
        window = self._filled()
        found = {"past": self._past, "rate": self._rate, **self._held(), **self._everything()}
        self._say("closing")
        self._close(window)
        if self._size.first:
            self._say("first_minutes", minutes=f"{self._size.first:g}")
            window = self._open()
            seen = first_minutes(*self._viewer, self._size.first * 60)
            found["first_minutes"] = {
                **summary(at_sales(seen)),
                "first_ms": round(seen[0].seconds * 1000, 1),
            }
            self._close(window)
        # Else the kept stack could open a scheduled window at its next start.
        self._api.set_paused(WINDOW_DAG, True)
        return found

    def _filled(self) -> str:
        """Fill what the past lacks; return the live window once Druid has it."""
        self._say("filling", millions=f"{self._past:g}")
        patience = _WINDOW_PATIENCE + _MILLION_PATIENCE * self._past
        window = self._open()
        self._wait_until_live()
        now = datetime.now(UTC)
        past = fill_past(self._druid, self._kafka, self._settings.home, self._past, self._rate, now)
        wait_until(
            lambda: not missing_rows(self._druid, DATASOURCE, past.expected),
            f"the {past.expected.rows} past events in Druid",
            patience,
            interval=2,
            errors=DruidError,
        )
        if not past.is_new:
            return window
        self._close(window, patience)
        window = self._open()
        self._wait_until_live()
        wait_until(
            lambda: is_compacted(self._druid, now),
            "the compaction of the past days",
            patience,
            interval=2,
            errors=DruidError,
        )
        return window

    def _open(self) -> str:
        """Open a live window, which starts Druid's VM if it is off, and return its run."""
        # With 0.67 sales a second, these are about the form's own gaps.
        conf = {
            "duration_minutes": _LIVE_MINUTES,
            "minimum_gap": round(1 / 1.5 / self._rate, 3),
            "maximum_gap": round(2 / 1.5 / self._rate, 3),
        }
        window = self._api.trigger(WINDOW_DAG, conf)
        self._api.make_way(WINDOW_DAG, window)
        return window

    def _wait_until_live(self) -> None:
        what = "the window's first sales in Druid"
        wait_until(self._is_live, what, _WINDOW_PATIENCE, interval=1, errors=DruidError)

    def _is_live(self) -> bool:
        query = for_datasource(
            'SELECT COUNT(*) AS n FROM "{datasource}" '
            "WHERE __time > CURRENT_TIMESTAMP - INTERVAL '10' SECOND",
            DATASOURCE,
        )
        return bool(self._druid.sql(query)[0]["n"])

    def _close(self, window: str, patience: float = _WINDOW_PATIENCE) -> None:
        """End a window early; its events are still handed off."""
        self._api.set_task_state(WINDOW_DAG, window, PUBLISH_TASK, "failed")
        self._api.wait_for_end(WINDOW_DAG, window, patience)

    def _held(self) -> dict[str, int]:
        [rows] = self._druid.sql(
            for_datasource('SELECT COUNT(*) AS n FROM "{datasource}"', DATASOURCE)
        )
        [segments] = self._druid.sql(
            "SELECT COUNT(*) AS n FROM sys.segments WHERE datasource = ? AND is_active = 1",
            [DATASOURCE],
        )
        return {"events": rows["n"], "segments": segments["n"]}

    def _everything(self) -> dict[str, Any]:
        """Measure everything with the current data, in the live window."""
        size = self._size
        self._say("ranges", millions=f"{self._past:g}")
        looks = probe(*self._viewer)
        self._say("idle", seconds=f"{size.idle:g}")
        _, idle = measured(self._settings, lambda: time.sleep(size.idle))
        self._say("viewer")
        api, alone = self._looks(idle, partial(visit, *self._viewer, size.visit))
        self._say("explore")
        explored = explore(*self._viewer)
        levels = list(self._levels(idle))
        paints, shown = _seen(
            self._settings,
            self._api.token,
            self._progress,
            size,
            # A run of an earlier benchmark has the same sales.
            run=f"bench-page-{time.time():.0f}",
        )
        return {
            "ranges": by_range(looks),
            "idle_cpu": {kind: round(cpu / idle.seconds, 3) for kind, cpu in idle.cpu.items()},
            "api": alone,
            "api_findings": summary(at_findings(api)),
            "api_ranges": by_range(api),
            "explore": summary(explored),
            "explore_ranges": by_range(explored),
            "levels": levels,
            "most_held": most_held(levels),
            "viewers": next(it for it in levels if it["viewers"] == size.viewers),
            **paints,
            "event_on_screen": shown,
        }

    def _levels(self, idle: Used) -> Iterator[dict[str, Any]]:
        """Yield the summary of each number of viewers at once, until one is too slow."""
        size = self._size
        for count in size.levels:
            self._say("viewers", viewers=count)
            run = partial(crowd, *self._viewer, viewers(count), size.crowd)
            seen, found = self._looks(idle, run)
            yield {
                "viewers": count,
                **found,
                "findings": summary(at_findings(seen)),
                "ranges": by_range(seen),
            }
            if count >= size.viewers and not most_held([{"viewers": count, **found}]):
                return

    def _looks(
        self, idle: Used, run: Callable[[], list[Seen]]
    ) -> tuple[list[Seen], dict[str, Any]]:
        """Return the looks of a run, and their summary with looks per second and processor time."""
        seen, used = measured(self._settings, run)
        sales = at_sales(seen)
        return seen, {
            **summary(sales),
            "per_s": round(len(sales) / used.seconds, 1),
            "cpu_ms": per_look(used, idle, len(sales)),
        }

    @property
    def _kafka(self) -> dict[str, Any]:
        return {"bootstrap.servers": self._settings.address("kafka"), "log_level": 3}

    def _say(self, step: str, **values: object) -> None:
        self._progress.step(terminal_text(f"cli.bench.steps.{step}", **values))


def _seen(
    settings: Settings, token: str, progress: Progress, size: Size, *, run: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the page's first paint, if there is a browser, and the time until it shows a sale.

    Without a browser, the second time is until the API's answer has the sale.
    """
    url, path = settings.url("airflow"), browser_path()
    kafka = {"bootstrap.servers": settings.address("kafka"), "log_level": 3}
    paints: dict[str, Any] = {}
    with ExitStack() as opened:
        if path:
            screen = Screen(opened.enter_context(chromium(path)), url, token)
            progress.step(terminal_text("cli.bench.steps.first_paint"))
            paints = _paints(screen, size.paints)
            progress.step(terminal_text("cli.bench.steps.to_screen"))
            view = screen.live_view()
        else:
            progress.step(terminal_text("cli.bench.steps.to_api"))
            view = api_view(url, token, pauses().looks["1h"])
        seconds = delays(kafka, opened.enter_context(view), sales=size.sales, run=run)
    return paints, {"browser": bool(path), **_spread(seconds)}


def _paints(screen: Screen, times: int) -> dict[str, Any]:
    cold = []
    for _ in range(times):
        time.sleep(_UNSEEN)
        cold.append(screen.first_paint())
    return {
        "first_paint": _spread(cold),
        "first_paint_again": _spread([screen.first_paint() for _ in range(times)]),
        "first_paint_in_airflow": _spread([screen.first_paint_in_airflow() for _ in range(times)]),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "times": len(seconds),
        "p50_s": round(percentile(seconds, 50), 3),
        "p95_s": round(percentile(seconds, 95), 3),
        "max_s": round(max(seconds), 3),
    }


@contextmanager
def _stack(settings: Settings, progress: Progress) -> Iterator[None]:
    try:
        stack.up(settings, progress)
        with (settings.home / "conf/coordinator/runtime.properties").open("a") as properties:
            properties.write(COORDINATOR)
        yield
    finally:
        stack.down(settings)
