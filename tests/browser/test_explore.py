"""«Explorar» in a browser: splits, comparisons, links, files, keyboard, phones."""

import csv
import io
import re
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shop, Visitor, serious

Visit = Callable[..., Visitor]


def until(shop: Shop) -> str:
    """Return the part of the address that ends the range at `shop.then`."""
    return f"hasta={shop.then.isoformat().replace('+00:00', 'Z')}"


def explore(visitor: Visitor, search: str) -> Page:
    page = visitor.open(f"/ventas/explorar?{search}")
    expect(page.locator("select[name=medida] option")).not_to_have_count(0)
    page.locator(".explored:not([aria-busy])").wait_for()
    return page


def choose(page: Page, name: str, label: str) -> None:
    page.get_by_role("combobox", name=name, exact=True).select_option(label=label)


def titled(page: Page, title: str) -> None:
    """Wait until the answer to the choices is shown."""
    expect(page.locator("#explore-title")).to_have_text(title)
    expect(page.locator(".explored")).not_to_have_attribute("aria-busy", "true")


def cells(page: Page) -> list[list[str]]:
    return [row.locator("th, td").all_inner_texts() for row in page.locator("tbody tr").all()]


def number(text: str) -> int:
    return int(text.replace(".", ""))


def saved(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def test_split_is_chosen_compared_filtered_and_restored_by_its_link(
    shop: Shop, visit: Visit
) -> None:
    page = explore(visit(), f"rango=6h&{until(shop)}")
    titled(page, "Facturación por categoría")
    expect(page.locator(".explored .barlayer .point")).not_to_have_count(0)
    choose(page, "Medida", "Ventas")
    choose(page, "Por", "Provincia")
    titled(page, "Ventas por provincia")
    choose(page, "Comparar con", "el mismo día de la semana")
    page.get_by_role("button", name="Tabla").click()
    table = page.locator(".explored table")
    expect(table.locator("thead th")).to_have_text(["Provincia", "Ventas", "Antes", "Cambio"])
    *rows, total = cells(page)
    counted = shop.druid.sql(
        "SELECT provincia, COUNT(*) AS n FROM ventas WHERE estado = 'pendiente' "
        "AND __time < TIME_PARSE(?) AND __time >= TIME_PARSE(?) - INTERVAL '6' HOUR GROUP BY 1",
        [shop.then.isoformat()] * 2,
    )
    found = {name: number(now) for name, now, *_ in rows if now != "0"}
    assert found == {row["provincia"]: row["n"] for row in counted}
    assert number(total[1]) == sum(found.values()) > 1000
    assert number(total[2]) == sum(number(before) for _, _, before, _ in rows) > 0

    # The name of a row filters by it.
    table.get_by_role("button", name="Córdoba").click()
    expect(page.locator(".chips button")).to_contain_text(["Provincia: Córdoba", "hasta el"])
    expect(table.locator("tbody tr")).to_have_count(2)
    choose(page, "y por", "Medio de pago")
    titled(page, "Ventas por provincia y medio de pago")
    assert parse_qs(urlsplit(page.url).query) == {
        "rango": ["6h"],
        "hasta": [parse_qs(until(shop))["hasta"][0]],
        "medida": ["ventas"],
        "por": ["provincia"],
        "y": ["pago"],
        "contra": ["semana"],
        "forma": ["tabla"],
        "provincia": ["Córdoba"],
    }
    shown = cells(page)
    assert int(found["Córdoba"]) == sum(number(text) for text in shown[0][1:-3])
    again = explore(visit(), urlsplit(page.url).query)
    assert cells(again) == shown


def test_heat_map_is_saved_as_picture_and_as_table(shop: Shop, visit: Visit) -> None:
    visitor = visit()
    page = explore(visitor, f"medida=unidades&por=hora_del_dia&rango=6h&{until(shop)}")
    choose(page, "y por", "Día de la semana")
    titled(page, "Unidades por hora del día y día de la semana")
    expect(page.get_by_role("button", name="Mapa de calor")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".explored .heatmaplayer image")).to_have_count(1)
    visitor.picture("explorar-calor")

    total = number(page.locator(".explored .total b").inner_text())
    text = saved(page, "Descargar CSV").decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(text))
    assert head == ["hora_del_dia", "dia_de_semana", "unidades"]
    assert len(lines) == 24 * 7
    assert sum(int(units) for *_, units in lines) == total > 1000

    picture = saved(page, "Descargar PNG")
    assert picture.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", picture[16:24])
    assert width > 2000
    assert height > 500


def test_keyboard_alone_changes_split_and_form(shop: Shop, visit: Visit) -> None:
    page = explore(visit(), f"rango=6h&{until(shop)}")
    measure = page.get_by_role("combobox", name="Medida")
    measure.focus()
    page.keyboard.press("ArrowUp")
    titled(page, "Ventas por categoría")
    # The control keeps the focus, and the next ones follow in the order of the page.
    expect(measure).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Tabla")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Tabla")).to_be_focused()
    first = page.locator(".explored tbody button").first
    name = first.inner_text()
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chips button").first).to_have_text(re.compile(f"Categoría: {name}"))


def test_phone_shows_each_form_and_axe_finds_nothing_serious(shop: Shop, visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844})
    page = explore(visitor, f"medida=ventas&por=producto&y=pago&rango=6h&{until(shop)}")
    expect(page.locator(".explored .note").last).to_contain_text("Producto: se muestran 25")
    for scheme in visitor.schemes():
        for form in ("Barras", "Líneas", "Tabla", "Mapa de calor"):
            page.get_by_role("button", name=form).click()
            expect(page.locator(".explored :is(.main-svg, table):visible")).not_to_have_count(0)
            clipped = "document.body.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(clipped), form
        visitor.picture(f"explorar-390-{scheme}")
        assert serious(page) == []
    page.get_by_text("Filtros").click()
    choose(page, "Medio de pago", "QR")
    expect(page.locator(".chips button").first).to_contain_text("Medio de pago: QR")
    page.get_by_role("button", name="English").click()
    titled(page, "Sales by product and payment method")
