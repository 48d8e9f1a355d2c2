"""«Consultas» in a browser: the library, free SQL with its permission, and the end of the topic."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from include.stack import airflow
from tests.browser.conftest import Shop, Visitor, serious

Visit = Callable[..., Visitor]

ENDLESS = """
SELECT COUNT(*) AS n FROM (
  SELECT a.sku FROM ventas a JOIN (SELECT provincia FROM ventas LIMIT 3000) b
  ON a.provincia = b.provincia JOIN (SELECT provincia FROM ventas LIMIT 3000) c
  ON a.provincia = c.provincia JOIN (SELECT provincia FROM ventas LIMIT 3000) d
  ON a.provincia = d.provincia
)
"""


def test_library_query_has_a_table_and_a_csv_with_its_rows(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/ventas/consultas")
    page.get_by_label("Buscar una consulta").fill("medios de pago")
    names = page.locator(".query-list button")
    expect(names.first).to_be_visible()
    names.first.click()
    table = page.locator(".result table.data")
    expect(table.locator("tbody td", has_text="Crédito").first).to_be_visible()
    chosen = names.first.get_attribute("data-query")
    assert f"consulta={chosen}" in page.url
    with page.expect_download() as started:
        page.get_by_role("button", name="Descargar CSV").click()
    text = started.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 1 + table.locator("tbody tr").count()
    visitor.picture("consultas")


@pytest.mark.parametrize("part", ["biblioteca", "sql", "topico"])
def test_no_serious_violation_of_accessibility(shop: Shop, visit: Visit, part: str) -> None:
    visitor = visit()
    page = visitor.open(f"/ventas/consultas?parte={part}")
    page.locator("tbody tr, .columns li").first.wait_for()
    for scheme in visitor.schemes():
        assert serious(page) == [], scheme
        visitor.picture(f"consultas-{part}-{scheme}")


def test_admin_may_run_sql_and_a_viewer_is_told_why_not(shop: Shop, visit: Visit) -> None:
    sql = "SELECT COUNT(*) AS n FROM ventas WHERE corrida = '{}'"
    admin = visit(airflow.USER)
    page = admin.open("/ventas/consultas?parte=sql")
    area = page.locator("#sql")
    page.locator(".columns li").first.wait_for()
    area.fill(sql.format(shop.corrida))
    area.press("Control+Enter")
    cell = page.locator(".result tbody td").first
    expect(cell).to_be_visible()
    rows = shop.druid.sql("SELECT COUNT(*) AS n FROM ventas WHERE corrida = ?", [shop.corrida])
    assert cell.inner_text().replace(".", "") == str(rows[0]["n"])
    area.fill("DROP TABLE ventas")
    area.press("Control+Enter")
    expect(page.locator(".notice").first).to_contain_text("acá solo se lee")
    admin.picture("consultas-sql")

    viewers = visit().open("/ventas/consultas?parte=sql")
    viewers.locator(".columns li").first.wait_for()
    viewers.locator("#sql").press("Control+Enter")
    expect(viewers.locator(".notice").first).to_contain_text("hace falta poder disparar")


def test_long_query_can_be_cancelled(shop: Shop, visit: Visit) -> None:
    page = visit(airflow.USER).open("/ventas/consultas?parte=sql")
    page.locator(".columns li").first.wait_for()
    page.locator("#sql").fill(ENDLESS)
    page.get_by_role("button", name="Consultar").click()
    page.get_by_role("button", name="Cancelar").click()
    expect(page.locator(".notice").first).to_have_text("La consulta se canceló.")
    expect(page.get_by_role("button", name="Consultar")).to_be_enabled()


def test_end_of_the_topic_shows_the_latest_sale(shop: Shop, visit: Visit) -> None:
    [event, *_] = shop.sell(datetime.now(UTC))
    page = visit().open("/ventas/consultas?parte=topico")
    expect(page.locator("table.tail tbody tr", has_text=event.id_venta).first).to_be_visible()


def test_view_fits_a_phone(shop: Shop, visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = visitor.open("/ventas/consultas")
    page.locator(".result tbody tr").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.shifts() == []
    visitor.picture("consultas-390")


def test_view_is_shown_in_english(shop: Shop, visit: Visit) -> None:
    page = visit(airflow.USER).open("/ventas/consultas")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Ready-made queries")).to_be_visible()
    page.goto(page.url.partition("?")[0] + "?parte=sql")
    page.locator(".columns li").first.wait_for()
    page.locator("#sql").fill("DROP TABLE ventas")
    page.locator("#sql").press("Control+Enter")
    expect(page.locator(".notice").first).to_contain_text("queries here only read")
