"""The page's CSV, made in a real browser."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, sync_playwright

from ventas_airflow.page.app import STATIC

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

Make = Callable[[list[dict[str, str]], list[list[Any]]], str]


@pytest.fixture(scope="module")
def make() -> Iterator[Make]:
    """The function `csv` of ``lib/csv.js``."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix("http://page.test/")
        if name:
            route.fulfill(path=STATIC / name, content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("http://page.test/**", serve)
        page.goto("http://page.test/")
        code = "async ([columns, rows]) => (await import('/lib/csv.js')).csv(columns, rows)"
        yield lambda columns, rows: page.evaluate(code, [columns, rows])
        browser.close()


def columns(**kinds: str) -> list[dict[str, str]]:
    return [{"name": name, "kind": kind} for name, kind in kinds.items()]


def test_csv_is_read_back_with_the_same_values(make: Make) -> None:
    rows = [["Aceite 1,5 l", -3, 1.25], ['Smart TV 50"', 0, None], ["dos\nrenglones; y más", 7, 2]]
    text = make(columns(producto="text", n="number", x="decimal"), rows)
    assert text.startswith("\ufeffproducto,n,x\r\n")
    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))) == [
        ["producto", "n", "x"],
        ["Aceite 1,5 l", "-3", "1.25"],
        ['Smart TV 50"', "0", ""],
        ["dos\nrenglones; y más", "7", "2"],
    ]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(make: Make, formula: str) -> None:
    head = [{"name": formula, "kind": "text"}, {"name": "n", "kind": "number"}]
    text = make(head, [[formula, formula], ["a" + formula, -1]])
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert read == [[f"'{formula}", "n"], [f"'{formula}", f"'{formula}"], ["a" + formula, "-1"]]
