"""A window opened and stopped by the health view's buttons; the live page closes and recovers."""

from collections.abc import Callable

from playwright.sync_api import expect

from include.stack import airflow
from include.stack.airflow_api import AirflowApi
from tests.browser.conftest import Shop, Visitor
from tests.support.vm import start_vm

Visit = Callable[..., Visitor]

#: Time-out in milliseconds for tasks of Airflow, on a busy machine too.
SOME_TASKS = 240_000


def test_admin_opens_and_stops_a_window_and_page_recovers_when_druid_is_back(
    shop: Shop, visit: Visit
) -> None:
    owner, admin = visit(), visit(airflow.USER)
    live, health = owner.live(), admin.open("/ventas/salud")
    button = health.locator("form.open button")
    expect(button).to_be_enabled()
    health.locator("form.open input[name=minutes]").fill("5")
    button.click()
    run = health.locator("ul.windows li", has_text="manual__")
    expect(run).to_be_visible()
    # Only one window runs at a time, and the timetable may have opened one.
    api = AirflowApi(shop.settings.url("airflow"), airflow.USER, airflow.password(shop.settings))
    api.make_way("sales_window", run.locator("a").inner_text())
    expect(run.locator(".badge")).to_contain_text("publica", timeout=SOME_TASKS)
    admin.picture("salud-ventana")

    run.get_by_role("button", name="Detener").click()
    run.get_by_role("group").get_by_role("button").first.click()
    # The window's last task stops the VM.
    closed = live.locator(".closed")
    expect(closed).to_contain_text("Cerrado por ahora", timeout=SOME_TASKS)
    expect(closed.locator(".kpi")).to_have_count(5)
    expect(closed.locator("form")).to_be_hidden()
    owner.picture("vivo-cerrado")
    expect(run).to_have_count(0, timeout=SOME_TASKS)
    start_vm(shop.settings)
    expect(closed).to_have_count(0, timeout=SOME_TASKS)
    expect(live.locator("[data-list=payments] li").first).to_be_visible()
