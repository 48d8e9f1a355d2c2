"""«Salud» in a browser: each part's state in words, and the buttons' permissions."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Shop, Visitor, serious

Visit = Callable[..., Visitor]

STATES = "bien|atención|con problemas|sin datos"
CARDS = ("windows", "cadence", "freshness", "ledger", "supervisor", "kafka", "validation", "vm")


def test_each_part_has_its_state_in_words(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/ventas/salud")
    for card in CARDS:
        state = page.locator(f"[data-card={card}] .state .badge")
        expect(state).to_have_text(re.compile(f". ({STATES})$"))
    expect(page.locator("[data-card=kafka]")).to_have_attribute("data-state", "good")
    expect(page.locator("[data-card=supervisor]")).to_contain_text("Druid lee lo que Kafka recibe")
    visitor.picture("salud")


def test_viewer_who_may_not_see_runs_reads_why_and_sees_the_other_parts(
    shop: Shop, visit: Visit
) -> None:
    visitor = visit()
    refused = {"status": 403, "json": {"detail": "Forbidden"}}
    visitor.page.route("**/api/v2/dags/~/dagRuns*", lambda route: route.fulfill(**refused))
    page = visitor.open("/ventas/salud")
    windows = page.locator("[data-card=windows]")
    expect(windows.locator(".reason")).to_contain_text("no tiene permiso")
    expect(windows).to_have_attribute("data-state", "none")
    expect(page.locator("[data-card=kafka]")).to_have_attribute("data-state", "good")


def test_parts_say_why_they_are_unknown_while_the_server_fails(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    visitor.page.route("**/ventas/api/health", lambda route: route.abort())
    page = visitor.open("/ventas/salud")
    for card in CARDS:
        part = page.locator(f"[data-card={card}]")
        expect(part.locator(".reason").first).to_contain_text("Airflow no contesta")
        expect(part).to_have_attribute("data-state", "none")


def test_buttons_are_disabled_for_a_viewer_and_say_why(shop: Shop, visit: Visit) -> None:
    page = visit().open("/ventas/salud")
    button = page.locator("form.open button")
    expect(page.locator("#health-why")).to_be_visible()
    expect(button).to_be_disabled()
    answer = page.context.request.post(
        f"{shop.settings.url('airflow')}/ventas/api/supervisor/resume"
    )
    assert answer.status == 403


def test_no_serious_violation_of_accessibility(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/ventas/salud")
    page.locator("[data-card=vm] .state .badge:not(:empty)").wait_for()
    for scheme in visitor.schemes():
        assert serious(page) == [], scheme
        visitor.picture(f"salud-{scheme}")


def test_view_fits_a_phone(shop: Shop, visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = visitor.open("/ventas/salud")
    page.locator("[data-card=vm] .state .badge:not(:empty)").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.shifts() == []
    visitor.picture("salud-390")


def test_view_is_shown_in_english(shop: Shop, visit: Visit) -> None:
    page = visit().open("/ventas/salud")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Druid's ingestion")).to_be_visible()
