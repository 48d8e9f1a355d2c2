"""«¿Por qué cambió?»: the panel of a key figure, in a real browser."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from include.stack import airflow
from tests.browser.conftest import SILENT, Shop, Visitor, serious


def panel_of(page: Page) -> tuple[str, str]:
    """Return the sentence and the first cause of the open panel."""
    panel = page.get_by_role("dialog", name="¿Por qué cambió?")
    panel.locator(".causes li").first.wait_for()
    return panel.locator(".told").inner_text(), panel.locator(".causes b").first.inner_text()


def test_panel_names_the_cause_with_its_query_and_is_kept_in_the_address(
    shop: Shop, visit: Callable[..., Visitor]
) -> None:
    hasta = shop.then.isoformat().replace("+00:00", "Z")
    visitor = visit(airflow.USER)
    page = visitor.live(f"?rango=1h&hasta={hasta}")
    button = page.get_by_role("button", name="¿Por qué cambió? Ventas")
    button.click()
    panel = page.get_by_role("dialog", name="¿Por qué cambió?")
    panel.get_by_label("Comparado con").select_option("week")
    sentence, cause = panel_of(page)
    assert sentence.startswith("Las ventas subieron en ")
    assert cause == f"Menos ventas de «{SILENT}»"
    assert cause[1:] in sentence
    expect(panel.locator(".causes li").first).to_contain_text("0 ventas (antes ")
    assert parse_qs(urlsplit(page.url).query)["contra"] == ["week"]
    for scheme in visitor.schemes():
        assert serious(page) == [], scheme
        visitor.picture(f"por_que_{scheme}")

    phone = visit(viewport={"width": 390, "height": 844})
    again = phone.live(f"?{urlsplit(page.url).query}")
    assert panel_of(again) == (sentence, cause)
    assert again.evaluate("document.querySelector('dialog').scrollWidth") <= 390

    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()
    assert set(parse_qs(urlsplit(page.url).query)) == {"rango", "hasta"}

    page.locator("[data-why=income]").click()
    expect(panel.locator(".effects li")).to_have_count(6)
    panel.get_by_role("link", name="Ver la consulta").first.click()
    page.wait_for_url("**/consultas?**")
    # The box is filled once the names of the columns have arrived.
    expect(page.locator("#sql")).to_have_value(re.compile("eventos_ahora"))
    page.get_by_role("button", name="Consultar").click()
    expect(page.locator("table.data tbody tr")).not_to_have_count(0)
