"""Measure the page in Chromium: its first paint, and the time from Kafka to the screen."""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from commands.bench.common import SEED
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stream.publisher import SalePublisher
from include.stream.session import SESSION_CONFIG
from include.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")

_PATIENCE = 30.0
"""Seconds to wait until the page shows something."""

_KPI = """() => {
  const value = document.querySelector("dl.kpis dd.value");
  return value && /\\d/.test(value.textContent) ? performance.now() : 0;
}"""


def browser_path() -> str | None:
    """Return the path of an installed browser; None without one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def chromium(path: str) -> Iterator["Browser"]:
    """Run the browser without a visible window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root. The browser opens only our page.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Screen:
    """A browser that is logged in to Airflow."""

    def __init__(self, browser: "Browser", url: str, token: str) -> None:
        self._browser = browser
        self._url = url
        self._token = token

    def first_paint(self) -> float:
        """Return the seconds from the navigation in a new browser context to the first figures."""
        with self._context() as context:
            page = context.new_page()
            page.goto(f"{self._url}/ventas/vivo", wait_until="commit")
            found = page.wait_for_function(_KPI, timeout=_PATIENCE * 1000)
            return float(found.json_value()) / 1000

    def first_paint_in_airflow(self) -> float:
        """Return the same inside Airflow, whose own page loads first, around the view's frame."""
        with self._context() as context:
            page = context.new_page()
            began = time.monotonic()
            page.goto(f"{self._url}/plugin/ventas-vivo", wait_until="commit")
            frame = page.frame_locator("iframe")
            frame.locator("dl.kpis dd.value").first.wait_for(timeout=_PATIENCE * 1000)
            return time.monotonic() - began

    @contextmanager
    def live_view(self) -> Iterator[Callable[[str], None]]:
        """Open the page; yield a function that waits until its list of latest events has one."""
        with self._context() as context:
            page = context.new_page()
            page.goto(f"{self._url}/ventas/vivo")
            page.wait_for_function(_KPI, timeout=_PATIENCE * 1000)

            def until_shown(event: str) -> None:
                page.wait_for_selector(
                    f'.ticker li[data-key^="{event} "]', state="attached", timeout=_PATIENCE * 1000
                )

            yield until_shown

    @contextmanager
    def _context(self) -> Iterator["BrowserContext"]:
        context = self._browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "_token", "value": self._token, "url": self._url}])
        try:
            yield context
        finally:
            context.close()


@contextmanager
def api_view(url: str, token: str, pause: float) -> Iterator[Callable[[str], None]]:
    """Yield a function that waits until the page's API has an event; for use without a browser."""
    with httpx.Client(base_url=f"{url}/ventas/", cookies={"_token": token}, timeout=10) as client:

        def is_returned(event: str) -> bool:
            found = client.get("api/live", params={"rango": "1h"}).json()
            return any(row["id_evento"] == event for row in found.get("latest", ()))

        def until_returned(event: str) -> None:
            what = f"{event} in the answer of the page's API"
            wait_until(lambda: is_returned(event), what, _PATIENCE, interval=pause)

        yield until_returned


def delays(
    kafka: dict[str, Any], until_shown: Callable[[str], None], *, sales: int, run: str
) -> list[float]:
    """Publish sales one by one; return the seconds from each acknowledgement until it is shown."""
    source = SaleSource(load_market(), SEED, run)
    # Random pauses, so that sales fall anywhere between two looks of the page.
    pauses = random.Random(SEED)  # noqa: S311 - no secret
    found = []
    with SalePublisher(
        kafka,
        run,
        seed=SEED,
        transactional_id=f"bench/{run}",
        delivery_timeout=60,
        tuning=SESSION_CONFIG,
    ) as publisher:
        publisher.open()
        for number in range(sales):
            time.sleep(pauses.uniform(0.2, 1.4))
            [begun, *_] = source.chain(number, datetime.now(UTC))
            publisher.commit([begun])
            acknowledged = time.monotonic()
            until_shown(begun.id_evento)
            found.append(time.monotonic() - acknowledged)
    return found
