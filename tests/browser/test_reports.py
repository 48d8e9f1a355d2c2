"""«Reportes» in a browser, and the last report on the live page while Druid is off."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from commands import golden
from include.page.reports.day import decode
from include.stack import airflow
from include.stack.settings import Settings
from tests.browser.conftest import Shop, Visitor, serious
from ventas_airflow import reports

Visit = Callable[..., Visitor]

REPORT = decode((golden.REPORTS / "day.json").read_bytes())


@pytest.fixture(scope="module", autouse=True)
def name(stack: Settings) -> Iterator[str]:
    """Name of a report in the stack's folder; it is later than those of the suite's windows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(reports.VARIABLE, f"file://{stack.home}/reports")
        yield reports.write(REPORT)


def test_report_opens_from_the_list_in_the_viewers_language(visit: Visit, name: str) -> None:
    visitor = visit()
    page = visitor.open("/ventas/reportes")
    item = page.locator(".reports li", has_text="Martes, 24 de noviembre de 2026")
    expect(item).to_contain_text("hasta las 21:00")
    assert visitor.shifts() == []
    assert serious(page) == []
    visitor.picture("reportes")
    with visitor.context.expect_page() as opened:
        item.get_by_role("link", name="Con una hoja por sucursal").click()
    report = opened.value
    expect(report.locator("h1")).to_have_text("Cierre del día")
    expect(report.locator(".store")).to_have_count(len(REPORT.stores))
    assert serious(report) == []
    report.goto(f"{visitor.url}/ventas/reports/{name}?language=en")
    expect(report.locator("h1")).to_have_text("End-of-day report")


def clipped(page: Page) -> bool:
    """Return whether the page is wider than its window."""
    return bool(page.evaluate("document.body.scrollWidth > document.documentElement.clientWidth"))


def test_report_fits_a_phone_and_a_sheet_of_paper(visit: Visit, name: str) -> None:
    phone = visit(viewport={"width": 390, "height": 844})
    page = phone.open(f"/ventas/reports/{name}")
    assert not clipped(page)
    phone.picture("report-390")
    # The width of A4 between its margins, at 96 pixels an inch.
    paper = visit(viewport={"width": 695, "height": 990})
    page = paper.open(f"/ventas/reports/{name}")
    page.emulate_media(media="print")
    assert not clipped(page)
    paper.picture("report-a4")


Answer = dict[str, Any]

OFF: Answer = {"status": 503, "json": {"code": "unreachable", "error": "off"}}


def test_last_report_is_shown_while_druid_is_off(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    visitor.page.route("**/api/live*", lambda route: route.fulfill(**OFF))
    page = visitor.open("/ventas/vivo")
    closed = page.locator(".closed")
    expect(closed).to_contain_text("estos son los números del último cierre")
    expect(closed.locator(".kpi")).to_have_count(5)
    expect(closed.get_by_role("link", name="Ver el cierre")).to_be_visible()
    expect(closed.locator(".next")).not_to_be_empty()
    expect(closed.locator("form")).to_be_hidden()
    assert serious(page) == []
    visitor.picture("vivo-sin-druid")
    page.unroute_all(behavior="ignoreErrors")
    expect(closed).to_have_count(0)


class Opening:
    """Airflow's and the server's answers while windows open; the tests set their progress."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.refused = ""
        self.done: list[str] = []
        self.failed = ""
        self.first_sale = False
        self._runs: list[str] = []
        answers: dict[str, Callable[[], Answer | None]] = {
            "/ventas/api/live": self._live,
            "/ventas/api/health": lambda: {"json": self._health()},
            "/dags/~/dagRuns": lambda: {"json": {"dag_runs": self._active()}},
            "/taskInstances": lambda: {"json": {"task_instances": self._tasks()}},
            "/dags/sales_window$": lambda: {"json": {}},  # the form unpauses the DAG
            "/dags/sales_window/dagRuns$": self._open,
        }
        for path, answer in answers.items():
            page.route(re.compile(path), partial(self._answer, answer))

    def look(self) -> None:
        """Let the page look at once, as when its tab is shown again."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def _answer(self, answer: Callable[[], Answer | None], route: Route) -> None:
        given = answer()
        if given:
            route.fulfill(**given)
        else:
            route.fallback()

    def _live(self) -> Answer | None:
        return None if self.first_sale else OFF

    def _open(self) -> Answer:
        if self.refused:
            return {"status": 409, "json": {"detail": self.refused}}
        self.done, self.failed = [], ""
        self._runs.append(f"manual__{len(self._runs)}")
        return {"json": {"dag_run_id": self._runs[-1]}}

    def _active(self) -> list[Answer]:
        at = "2026-11-24T12:00:00Z"
        run = {"dag_id": "sales_window", "run_type": "manual", "state": "running"}
        moments = {"run_after": at, "start_date": at}
        return [{**run, **moments, "dag_run_id": name} for name in self._runs[-1:]]

    def _tasks(self) -> list[Answer]:
        states = [*((task, "success") for task in self.done), (self.failed, "failed")]
        return [{"task_id": task, "state": state} for task, state in states if task]

    def _health(self) -> Answer:
        committed = {"reason": "selling"} if self.first_sale else None
        windows = [
            {"run": run, "stage": "opening", "committed": committed} for run in self._runs[-1:]
        ]
        vm = {"reason": "vm_on" if self._runs else "vm_off"}
        return {"parts": {"vm": vm}, "windows": windows}


def test_closed_page_opens_a_window_and_shows_its_steps_until_it_is_live(
    shop: Shop, visit: Visit
) -> None:
    visitor = visit(airflow.USER)
    page = visitor.page
    opening = Opening(page)
    visitor.open("/ventas/vivo")
    closed = page.locator(".closed")
    steps, button = closed.locator(".steps li"), closed.locator("form button")

    opening.refused = "The DAG has too many runs"
    button.click()
    expect(closed.locator(".outcome")).to_have_text("No se pudo: The DAG has too many runs")
    opening.refused = ""
    button.click()
    expect(steps).to_have_count(4)
    expect(steps.nth(1)).to_have_class("current")
    expect(closed.locator("form")).to_be_hidden()

    opening.failed = "start_vm"
    opening.look()
    failed = closed.get_by_role("alert")
    expect(failed).to_contain_text("La ventana falló antes de la primera venta.")
    expect(failed.get_by_role("link")).to_have_attribute("href", re.compile("runs/manual__"))
    expect(steps).to_have_count(0)

    button.click()
    expect(failed).to_have_count(0)
    opening.done = ["start_vm", "submit_supervisor"]
    opening.look()
    expect(steps.nth(3)).to_have_class("current")
    assert serious(page) == []
    visitor.picture("vivo-abriendo")
    opening.first_sale = True
    opening.look()
    expect(page.locator("[data-list=payments] li").first).to_be_visible()
    expect(closed).to_have_count(0)


def test_closed_page_without_a_report_says_what_it_will_show(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    visitor.page.route("**/api/live*", lambda route: route.fulfill(**OFF))
    visitor.page.route("**/api/reports/latest*", lambda route: route.fulfill(body="null"))
    page = visitor.open("/ventas/vivo")
    expect(page.locator(".closed .empty")).to_contain_text("Todavía no hay ningún cierre")
    expect(page.locator(".closed").get_by_role("link", name="Ver el estado")).to_be_visible()


def test_window_is_compared_with_and_without_its_promotion(visit: Visit) -> None:
    """Airflow's runs and the comparison are given; the API's own tests hold its numbers."""
    figures = {
        "sales": 10,
        "approved": 9,
        "units": 12,
        "revenue_centavos": 1_200_050,
        "discount_centavos": 150_000,
        "returned_centavos": 0,
    }
    without = {**figures, "revenue_centavos": 1_000_000, "discount_centavos": 25_025}
    at = "2026-11-24T12:00:00.000Z"
    promotion = {"tipo": "promocion", "sujeto": "qr", "tamano": 25, "desde": at, "minutos": 180}
    pair = {"value": "qr", "planted": figures, "without": without}
    fields: dict[str, list[object]] = {"sucursal": [], "producto": [], "tipo_pago": [pair]}
    answer = {
        "incidents": [promotion],
        "changing": [promotion],
        "equal": True,
        "first_ts": at,
        "last_ts": at,
        "comparison": {"total": pair, "fields": fields},
    }
    run = {
        "dag_id": "sales_window",
        "dag_run_id": "una",
        "run_type": "manual",
        "state": "success",
        "run_after": at,
        "start_date": at,
        "conf": {"incidents": ["promocion; qr; 25"]},
    }
    visitor = visit()
    visitor.page.route(
        "**/dags/sales_window/dagRuns?*", lambda route: route.fulfill(json={"dag_runs": [run]})
    )
    visitor.page.route("**/api/what-if", lambda route: route.fulfill(json=answer))
    page = visitor.open("/ventas/reportes?corrida=una")
    card = page.locator(".what-if")
    expect(card).to_contain_text(
        "Sin la promoción: $ 10.000,00; con ella: $ 12.000,50; costo: $ 1.249,75."
    )
    expect(card.locator("select[name=corrida]")).to_contain_text("promoción; qr; 25")
    expect(card.get_by_role("region", name="Por medio de pago")).to_contain_text("+$ 2.000,50")
    assert serious(page) == []
    visitor.picture("que-habria-pasado")
    with page.expect_request("**/api/what-if") as sent:
        card.locator("select[name=sin]").select_option("0")
    assert '"without":0' in (sent.value.post_data or "")
    assert page.url.endswith("?corrida=una&sin=0")
