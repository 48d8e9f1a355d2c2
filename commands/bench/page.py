"""Measure the live page over millions of events: times of its API and of a browser's screen.

It runs a whole stack of its own. `sales_backfill` fills past days, and its live window goes on
selling during the measurement. Then the same days are filled a second time, with other sales, and
everything is measured again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from commands.bench.figures import percentile
from commands.bench.page_looks import pauses, viewers
from commands.bench.page_screen import Screen, api_view, browser_path, chromium, delays
from commands.bench.page_viewers import (
    at_findings,
    at_sales,
    by_range,
    crowd,
    explore,
    probe,
    summary,
    visit,
)
from commands.demo import wait_for_dags
from include.druid.client import DruidClient, DruidError
from include.druid.queries import for_datasource
from include.names import BACKFILL_DAG, DATASOURCE, PUBLISH_TASK, WINDOW_DAG
from include.stack import airflow, stack
from include.stack.airflow_api import AirflowApi
from include.stack.settings import Settings
from include.stack.stack import Progress, StackError
from include.texts import terminal_text
from include.waiting import wait_until

_FILL_PATIENCE = 2400.0
_WINDOW_PATIENCE = 300.0
_LIVE_MINUTES = 120
"""Minutes of the live window: longer than any measurement, at whose end the window is closed."""

_UNSEEN = 11.0
"""Seconds after which the page's server no longer serves an old answer for a live range."""


class Past(NamedTuple):
    """Past days to fill, as parameters of `sales_backfill`'s form."""

    days: int
    scale: float
    seed: int


class Size(NamedTuple):
    """Size of a benchmark: data to fill, and number and duration of the measurements."""

    pasts: Sequence[Past]
    """Past days, filled one after the other; after each, everything is measured."""
    visit: float
    """Seconds that the single viewer stays at each look."""
    viewers: int
    """Number of viewers at once."""
    crowd: float
    """Seconds that these viewers stay."""
    sales: int
    """Number of sales whose way to the screen is timed."""
    paints: int
    """Number of first paints of each kind."""


FULL: Final = Size(
    # 5.2 million events, and then another 15 million.
    pasts=(Past(30, 1.0, 2026), Past(30, 2.85, 2027)),
    visit=15,
    viewers=50,
    crowd=60,
    sales=20,
    paints=5,
)
QUICK: Final = Size((Past(2, 1.0, 2026),), visit=3, viewers=20, crowd=10, sales=5, paints=2)


def measure_page(settings: Settings, progress: Progress, size: Size) -> dict[str, Any]:
    """Fill and measure; return the figures, and the measurements of each stage in `sizes`.

    `settings` come from `temporary_settings`.

    Raises:
        StackError: a run of Airflow failed.
        WaitTimeoutError: a run of Airflow took too long.
    """
    with _stack(settings, progress):
        api = AirflowApi(settings.url("airflow"), airflow.USER, airflow.password(settings))
        wait_for_dags(api, (BACKFILL_DAG, WINDOW_DAG))
        stages: list[dict[str, Any]] = []
        for past in size.pasts:
            progress.step(
                terminal_text("cli.bench.steps.filling", days=past.days, scale=f"{past.scale:g}")
            )
            window = _fill(settings, api, past)
            stages.append(_stage(settings, api.token, progress, size, number=len(stages)))
            progress.step(terminal_text("cli.bench.steps.closing"))
            _close(api, window)
    return {**figures(stages), "sizes": stages}


def figures(stages: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the first stage's figures, and how many times slower the last stage's looks are."""
    first, last = stages[0], stages[-1]
    growth = [last[part]["p95_ms"] / first[part]["p95_ms"] for part in ("api", "viewers")]
    paint = first.get("first_paint")
    return {
        "first_paint_s": paint["max_s"] if paint else None,
        "api_p95_ms": first["api"]["p95_ms"],
        "explore_p95_ms": first["explore"]["p95_ms"],
        "event_on_screen_s": first["event_on_screen"]["max_s"],
        "viewers_p95_ms": first["viewers"]["p95_ms"],
        "growth": max(growth) if len(stages) > 1 else None,
    }


def _stage(
    settings: Settings, token: str, progress: Progress, size: Size, *, number: int
) -> dict[str, Any]:
    """Measure everything with the current data."""
    url, every = settings.url("airflow"), pauses()
    held = _held(settings)
    millions = f"{held['events'] / 1e6:.1f}"
    progress.step(terminal_text("cli.bench.steps.ranges", millions=millions))
    looks = probe(url, token, every)
    progress.step(terminal_text("cli.bench.steps.viewer"))
    api = visit(url, token, every, size.visit)
    progress.step(terminal_text("cli.bench.steps.explore"))
    explored = explore(url, token, every)
    progress.step(terminal_text("cli.bench.steps.viewers", viewers=size.viewers))
    crowded = crowd(url, token, every, viewers(size.viewers), size.crowd)
    paints, shown = _seen(settings, token, progress, size, run=f"bench-page-{number}")
    return {
        **held,
        "ranges": by_range(looks),
        "api": summary(at_sales(api)),
        "api_findings": summary(at_findings(api)),
        "api_ranges": by_range(api),
        "explore": summary(explored),
        "explore_ranges": by_range(explored),
        "viewers": summary(at_sales(crowded)),
        "viewers_findings": summary(at_findings(crowded)),
        "viewers_ranges": by_range(crowded),
        **paints,
        "event_on_screen": shown,
    }


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
        yield
    finally:
        stack.down(settings)


def _fill(settings: Settings, api: AirflowApi, past: Past) -> str:
    """Fill past days; return the run of their live window once Druid shows its sales."""
    api.set_paused(BACKFILL_DAG, False)
    run = api.trigger(
        BACKFILL_DAG,
        {
            **past._asdict(),
            "go_live": True,
            "live_minutes": _LIVE_MINUTES,
            "keep_vm": True,
        },
    )
    if api.wait_for_end(BACKFILL_DAG, run, _FILL_PATIENCE) != "success":
        raise StackError(f"The run {run} of {BACKFILL_DAG} failed: see its log in {settings.logs}")
    api.set_paused(WINDOW_DAG, False)
    window = next(
        name for name in api.active_runs(WINDOW_DAG) if not name.startswith("scheduled__")
    )
    api.make_way(WINDOW_DAG, window)
    druid = DruidClient(settings.url("druid"))
    what = f"the first live sales of {window}"
    wait_until(lambda: _is_live(druid), what, _WINDOW_PATIENCE, interval=1, errors=DruidError)
    return window


def _close(api: AirflowApi, window: str) -> None:
    """End a window early; its events are still handed off."""
    api.set_task_state(WINDOW_DAG, window, PUBLISH_TASK, "failed")
    api.wait_for_end(WINDOW_DAG, window, 300)


def _is_live(druid: DruidClient) -> bool:
    query = for_datasource(
        'SELECT COUNT(*) AS n FROM "{datasource}" '
        "WHERE __time > CURRENT_TIMESTAMP - INTERVAL '10' SECOND",
        DATASOURCE,
    )
    return bool(druid.sql(query)[0]["n"])


def _held(settings: Settings) -> dict[str, int]:
    druid = DruidClient(settings.url("druid"))
    [rows] = druid.sql(for_datasource('SELECT COUNT(*) AS n FROM "{datasource}"', DATASOURCE))
    [segments] = druid.sql(
        "SELECT COUNT(*) AS n FROM sys.segments WHERE datasource = ? AND is_active = 1",
        [DATASOURCE],
    )
    return {"events": rows["n"], "segments": segments["n"]}
