"""A real browser and the running stack, with sales in Druid."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from include.druid.supervisor import supervisor_spec
from include.names import DATASOURCE, TOPIC
from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.market import load_market
from include.stack import airflow, security
from include.stack.settings import Settings
from include.stream.publisher import SalePublisher
from include.stream.topics import ensure_topic
from tests.support.druid import wait_for_rows
from tests.support.vm import start_vm
from ventas_airflow.sales import TOPICS

FLAGS = [
    "--no-sandbox",  # Chromium requires it for root in a container
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SEED = 11

LOCAL = ZoneInfo("America/Argentina/Buenos_Aires")

#: A store that sells on all days except that of `Shop.then`.
SILENT = "San Justo"

#: Milliseconds to wait for the page, since a slow machine is not an error of the page.
PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)

#: Folder of the views' screenshots.
PICTURES = Path(os.environ.get("VENTAS_HOME") or ".ventas").resolve() / "screenshots"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, and their summary says why.

    The scope is one module, because Playwright runs an event loop in this thread until it ends, and
    other suites run their own.
    """
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Browser]:
    wanted = os.environ.get("VENTAS_CHROMIUM", "")
    path = wanted or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "")
    if not path:
        pytest.skip("There is no Chromium: install the package chromium, or set VENTAS_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Shop:
    """Publishes sales of its own run, at moments that the tests choose."""

    def __init__(self, settings: Settings, corrida: str) -> None:
        self.settings = settings
        self.corrida = corrida
        self.druid = security.druid_client(settings)
        self.source = SaleSource(load_market(), SEED, corrida)
        self._publisher = SalePublisher(
            {**security.kafka_config(settings), "log_level": "2"},
            corrida,
            seed=SEED,
            transactional_id=corrida,
            delivery_timeout=120,
        )
        self._publisher.open()
        self._next = 0
        noon = datetime.now(LOCAL).replace(hour=12, minute=0, second=0, microsecond=0)
        self.then = (noon - timedelta(days=60)).astimezone(UTC)
        """Noon 60 days ago. Only this shop sold then, since other suites sell now and recently; at
        noon every store is open, whatever the time of the test."""

    def sell(self, *moments: datetime, without: str = "") -> list[Venta]:
        """Publish a sale at each moment, with its events until now; return the events.

        Kafka has acknowledged the events. `without` is a store whose sales are left out.
        """
        now = datetime.now(UTC)
        events = []
        for moment in moments:
            chain = self.source.chain(self._next, moment)
            if chain[0].sucursal == without:
                chain = ()
            events += [event for event in chain if datetime.fromisoformat(event.ts) <= now]
            self._next += 1
        for first in range(0, len(events), 500):
            self._publisher.commit(events[first : first + 500])
        return events

    def close(self) -> None:
        self._publisher.close()


@pytest.fixture(scope="session")
def shop(stack: Settings) -> Iterator[Shop]:
    """A shop with sales in Druid: the last two hours, yesterday, and days around `Shop.then`."""
    start_vm(stack)
    config = security.kafka_config(stack)
    for topic, options in TOPICS.items():
        ensure_topic(config, topic, **options)
    shop = Shop(stack, f"navegador {datetime.now(UTC).isoformat()}")
    shop.druid.submit_supervisor(supervisor_spec(config, topic=TOPIC, datasource=DATASOURCE))
    if shop.druid.supervisor_status(DATASOURCE)["suspended"]:
        shop.druid.resume_supervisor(DATASOURCE)
    now = datetime.now(UTC)
    recent = [now - timedelta(seconds=3 * n) for n in range(1, 2400)]
    yesterday = [now - timedelta(days=1, seconds=4 * n) for n in range(1, 900)]
    then = [shop.then - timedelta(seconds=3 * n) for n in range(1, 2400)]
    # Findings compare with the same three hours of the same weekday in the weeks before.
    before = [
        shop.then - timedelta(days=days, seconds=12 * n)
        for days in (7, 14, 21)
        for n in range(1, 900)
    ]
    # The recent sales come last, so that their numbers and those of the tests' sales have no gap.
    sent = len(shop.sell(*sorted(then), without=SILENT))
    sent += len(shop.sell(*sorted([*before, *yesterday, *recent])))
    wait_for_rows(shop.druid, DATASOURCE, sent, shop.corrida)
    yield shop
    shop.close()


#: Script that keeps the layout shifts of a page that no click caused, and what moved.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { hadRecentInput, value, sources } of list.getEntries()) {
    const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 200));
    if (!hadRecentInput) window.shifts.push({ value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
"""

#: Most layout shift of a view while it is loaded; web.dev calls up to 0.1 good.
STILL = 0.02


class Visitor:
    """A user's browser, logged in unless `user` is None."""

    def __init__(self, browser: Browser, settings: Settings, user: str | None, **context: Any):
        self.url = settings.url("airflow")
        self.context: BrowserContext = browser.new_context(
            viewport=context.pop("viewport", {"width": 1440, "height": 900}),
            locale="es-AR",
            **context,
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(SHIFTS)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        if user:
            login = {"username": user, "password": airflow.password(settings, user)}
            answer = self.context.request.post(f"{self.url}/auth/token", data=login)
            token = answer.json()["access_token"]
            self.context.add_cookies([{"name": "_token", "value": token, "url": self.url}])

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def live(self, search: str = "") -> Page:
        """Open «Ventas» and wait for its figures, its filters and its findings."""
        page = self.open(f"/ventas/vivo{search}")
        page.locator(".kpi .value").first.wait_for()
        expect(page.locator("select[name=pago] option")).not_to_have_count(1)
        expect(page.locator("[data-findings-state]")).to_have_text("")
        return page

    def schemes(self) -> Iterator[str]:
        """Set the system's theme to light and then to dark; yield each once the page follows."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            expect(self.page.locator("html")).to_have_attribute("data-theme", scheme)
            yield scheme

    def shifts(self) -> list[dict[str, Any]]:
        """Return what was visible and has moved, but for clicks; empty if it is little."""
        found: list[dict[str, Any]] = self.page.evaluate("shifts")
        return found if sum(shift["value"] for shift in found) > STILL else []

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def serious(page: Page) -> list[str]:
    """Return axe-core's violations that are serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]


@pytest.fixture
def visit(chromium: Browser, stack: Settings) -> Iterator[Callable[..., Visitor]]:
    """Function that makes visitors; at the end, no script of a visitor may have failed."""
    visitors: list[Visitor] = []

    def make(user: str | None = airflow.VIEWER, **context: Any) -> Visitor:
        visitors.append(Visitor(chromium, stack, user, **context))
        return visitors[-1]

    yield make
    for visitor in visitors:
        # A request that a test answers itself may still be in progress.
        visitor.page.unroute_all(behavior="ignoreErrors")
        with suppress(Exception):
            visitor.context.close()
    assert [error for visitor in visitors for error in visitor.errors] == []
