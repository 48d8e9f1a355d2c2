"""A window opened and stopped by the health view's buttons, through Airflow's own permissions."""

from collections.abc import Callable

from playwright.sync_api import expect

from include.stack import airflow
from include.stack.airflow_api import AirflowApi
from tests.browser.conftest import Shop, Visitor

Visit = Callable[..., Visitor]


def test_an_admin_opens_a_window_and_stops_it(shop: Shop, visit: Visit) -> None:
    visitor = visit(airflow.USER)
    page = visitor.open("/ventas/salud")
    button = page.locator("form.open button")
    expect(button).to_be_enabled(timeout=20_000)
    page.locator("form.open input[name=minutes]").fill("5")
    button.click()
    run = page.locator("ul.windows li", has_text="manual__")
    expect(run).to_be_visible(timeout=20_000)
    # Windows run one at a time, and the timetable may have opened one.
    api = AirflowApi(shop.settings.url("airflow"), airflow.USER, airflow.password(shop.settings))
    api.make_way("sales_window", run.locator("a").inner_text())
    expect(run.locator(".badge")).to_contain_text("publica", timeout=120_000)
    visitor.picture("salud-ventana")
    run.get_by_role("button", name="Detener").click()
    run.get_by_role("group").get_by_role("button").first.click()
    expect(run).to_have_count(0, timeout=120_000)
