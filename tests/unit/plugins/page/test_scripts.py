"""The page's CSV, formats and names of values, made in a real browser."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from include.texts import table, text
from ventas_airflow.page.app import STATIC

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A browser's empty page that can import the page's scripts, with the Spanish texts."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    found = {"language": "es", "locale": text("locale", "es"), "page": table("es")["page"]}

    def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix("/static/")
        if name == "/api/texts":
            route.fulfill(json=found)
        elif name == "/":
            route.fulfill(body="<!doctype html>", content_type="text/html")
        else:
            route.fulfill(path=STATIC / name, content_type="text/javascript")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("http://page.test/**", serve)
        page.goto("http://page.test/")
        page.evaluate("async () => (await import('/static/lib/texts.js')).loadTexts()")
        yield page
        browser.close()


@pytest.fixture(scope="module")
def run(page: Page) -> Run:
    """Function that calls a function of a script in ``lib/``."""
    code = (
        "async ([file, name, values]) => (await import(`/static/lib/${file}.js`))[name](...values)"
    )
    return lambda name, *values: page.evaluate(code, [*name.split("."), values])


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("texts.t", ["findings.product.up.body", {"k": "1", "minutes": "3 h"}], "1 venta en 3 h"),
        ("texts.t", ["live.instalments", {"n": 1}], "1 pago"),
        ("texts.t", ["live.instalments", {"n": 3}], "3 cuotas"),
        ("texts.label", ["pago", "credito"], "Crédito"),
        ("texts.label", ["pago", "credito Visa"], "Crédito Visa"),
        ("texts.label", ["tipo_pago", "debito"], "Débito"),
        ("texts.label", ["producto", "Yerba mate 1 kg"], "Yerba mate 1 kg"),
        ("texts.label", ["motivo", "limite_excedido"], "límite excedido"),
        ("texts.label", ["estado", None], "sin dato"),
        ("chart.moneyAxis", [[0, 1_940_000]], ["$ 0", "$ 0,5 M", "$ 1,0 M", "$ 1,5 M", "$ 2,0 M"]),
        ("chart.moneyAxis", [[297_000]], ["$ 0", "$ 100 mil", "$ 200 mil", "$ 300 mil"]),
        ("chart.moneyAxis", [[7_900]], ["$ 0", "$ 2.000", "$ 4.000", "$ 6.000", "$ 8.000"]),
        ("chart.moneyAxis", [[-1_900_000, 900_000]], ["$ -2 M", "$ -1 M", "$ 0", "$ 1 M"]),
        ("chart.moneyAxis", [[]], ["$ 0", "$ 1"]),
        ("moment_field.parsed", ["24/11/2026 21:00"], "2026-11-24T21:00"),
        ("moment_field.parsed", ["4/1/2026, 9:05"], "2026-01-04T09:05"),
        ("moment_field.parsed", ["11/24/2026 21:00"], None),
        ("moment_field.parsed", ["31/02/2026 10:00"], None),
        ("moment_field.parsed", ["24/11/26"], None),
        ("moment_field.shown", ["2026-11-24T21:00"], "24/11/2026 21:00"),
    ],
)  # fmt: skip
def test_value_is_written_and_read_as_argentines_write_it(
    run: Run, name: str, values: list[Any], told: Any
) -> None:
    found = run(name, *values)
    if name == "chart.moneyAxis":
        found = [label.replace("\N{NO-BREAK SPACE}", " ") for label in found["ticktext"]]
    if name == "texts.t":
        found = found.partition(";")[0]
    assert found == told


KEY_FIGURES = """async (totals) => {
    const { kpis } = await import('/static/views/live/kpis.js');
    const list = document.createElement('dl');
    kpis(list, { start: 0, end: 3600000, totals }, '1h', {});
    return list.innerText;
}"""


@pytest.mark.parametrize("lacking", ["", "sales", "approved"])
@pytest.mark.parametrize("of", ["before", "yesterday"])
def test_key_figures_lack_no_comparison_with_a_range_that_has_an_approved_sale(
    page: Page, of: str, lacking: str
) -> None:
    """`tests/e2e/test_demo.py` counts on it: it reads only the totals."""
    least = {"sales": 1, "approved": 1, "rejected": 0, "refunded": 0, "revenue_centavos": 1}
    totals = {it: dict(least) for it in ("current", "before", "yesterday")}
    if lacking:
        totals[of][lacking] = 0
    assert ("sin datos" in page.evaluate(KEY_FIGURES, totals)) == bool(lacking)


def columns(**kinds: str) -> list[dict[str, str]]:
    return [{"name": name, "kind": kind} for name, kind in kinds.items()]


def test_csv_is_read_back_with_the_same_values(run: Run) -> None:
    rows = [["Aceite 1,5 l", -3, 1.25], ['Smart TV 50"', 0, None], ["dos\nrenglones; y más", 7, 2]]
    made = run("csv.csv", columns(producto="text", n="number", x="decimal"), rows)
    assert made.startswith("\ufeffproducto,n,x\r\n")
    assert list(csv.reader(io.StringIO(made.removeprefix("\ufeff"), newline=""))) == [
        ["producto", "n", "x"],
        ["Aceite 1,5 l", "-3", "1.25"],
        ['Smart TV 50"', "0", ""],
        ["dos\nrenglones; y más", "7", "2"],
    ]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(run: Run, formula: str) -> None:
    head = [{"name": formula, "kind": "text"}, {"name": "n", "kind": "number"}]
    made = run("csv.csv", head, [[formula, formula], ["a" + formula, -1]])
    read = list(csv.reader(io.StringIO(made.removeprefix("\ufeff"), newline="")))
    assert read == [[f"'{formula}", "n"], [f"'{formula}", f"'{formula}"], ["a" + formula, "-1"]]
