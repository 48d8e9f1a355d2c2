"""The day's report as HTML: golden files in each language, and texts that could be markup."""

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from commands import golden
from include.page.findings.report import KINDS
from include.page.measures import Measures
from include.page.reports.day import (
    Compared,
    DayReport,
    Hour,
    Named,
    Quality,
    Returns,
    Store,
    decode,
    encode,
)
from include.page.reports.render import FIGURES, WRITTEN, render, summary
from include.sales.faults import KINDS as FAULTS
from include.stack.settings import ROOT
from include.texts import languages

HOSTILE = '</style></svg><script>alert("1")</script>{{ 7 * 7 }}'

#: Elements without an end tag.
VOID = ("meta", "rect", "line", "polyline")


@pytest.fixture
def report() -> DayReport:
    return decode((golden.REPORTS / "day.json").read_bytes())


@pytest.mark.parametrize("path", sorted(golden.REPORTS.glob("*.html")), ids=lambda path: path.stem)
def test_report_equals_its_golden_file(path: Path) -> None:
    same = golden.reports()[path] == path.read_text(encoding="utf-8")
    assert same, f"if the change of {path} is meant: ./ventas docs, and look at the difference"


def test_stored_report_is_read_back_equal(report: DayReport) -> None:
    assert decode(encode(report)) == report


@pytest.mark.parametrize("language", languages())
def test_report_is_one_file_without_scripts_or_resources(report: DayReport, language: str) -> None:
    page = render(report, language, by_store=True)
    assert f'<html lang="{language}">' in page
    assert not re.findall(r"<script|<link|<img|@import|url\(|https?:|\son\w+=", page)
    assert "@page {\n  size: A4;" in page


class Elements(HTMLParser):
    """Collects the names of a page's elements; fails at an end tag without its start."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(page: str) -> set[str]:
    parser = Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.seen


def test_hostile_names_stay_texts(report: DayReport) -> None:
    named = [Named(HOSTILE, Measures(1, 1), HOSTILE)]
    store = Store(HOSTILE, Compared(), [Hour(9, Compared())], named, named)
    hostile = msgspec.structs.replace(
        report,
        stores=[store],
        payments=named,
        issuers=named,
        instalments=named,
        products=named,
        returns=[Returns(HOSTILE, 1, 1, 1, 1)],
        noticed=[
            msgspec.structs.replace(found, subject={"producto": HOSTILE})
            for found in report.noticed
        ],
        quality=Quality(HOSTILE, reconciled=False),
    )
    page = render(hostile, "es", by_store=True)
    assert HOSTILE not in page
    assert page.count(escape(HOSTILE, quote=False).replace('"', "&#34;")) >= 10
    assert elements(page) == elements(render(report, "es", by_store=True))


def test_store_pages_are_rendered_only_on_request(report: DayReport) -> None:
    assert 'class="store"' not in render(report, "es")
    assert render(report, "es", by_store=True).count('class="store"') == len(report.stores)


def test_day_without_sales_is_rendered(report: DayReport) -> None:
    empty = DayReport(
        start=report.start,
        end=report.end,
        total=Compared(),
        hours=[],
        stores=[],
        payments=[],
        issuers=[],
        instalments=[],
        products=[],
        returns=[],
        noticed=[],
        unjudged=[],
        quality=Quality("r1", reconciled=False),
    )
    page = render(empty, "es")
    assert "No hubo ventas este día." in page
    assert "No hubo reembolsos ni contracargos." in page
    assert "La ventana no se concilió" in page
    ticket = summary(empty, "es")[3]
    assert ticket == "Ticket promedio: – (– vs. el día anterior; – vs. el martes anterior)"


def test_change_without_a_figure_of_the_other_day_is_a_dash(report: DayReport) -> None:
    # Yesterday sold, but approved nothing; a week before, nothing was sold.
    total = Compared(Measures(10, 9, 1, 0, 0, 900), Measures(5), Measures())
    store = Store("Palermo", total, [], [], [])
    page = render(msgspec.structs.replace(report, total=total, stores=[store]), "es")
    cards = page[page.index('<dl class="figures') : page.index("</dl>")]
    assert cards.count("▲\N{NO-BREAK SPACE}100\N{NO-BREAK SPACE}%") == 1
    assert cards.count(">–<") == 2 * len(FIGURES) - 1


def test_summary_tells_the_figures_and_the_first_findings(report: DayReport) -> None:
    told = [line.replace("\N{NO-BREAK SPACE}", " ") for line in summary(report, "es")]
    assert told[:2] == [
        "Cierre del día: martes, 24 de noviembre de 2026, hasta las 21:00",
        "Ventas: 1.789 (▲ 22 % vs. el día anterior; ▼ 4,3 % vs. el martes anterior)",
    ]
    assert told[-1] == (
        "Qué se apartó de lo usual: Bajó la aprobación de Crédito Visa; "
        "San Justo no vende desde las 19:42; Se vende más: Yerba mate Playadito 1 kg"
    )
    quality = Quality("r1", reconciled=False)
    unproved = summary(msgspec.structs.replace(report, quality=quality), "es")
    assert unproved[-1].startswith("La ventana no se concilió")


def test_numbers_of_findings_are_written_as_on_the_live_page() -> None:
    views = ROOT / "plugins" / "ventas_airflow" / "page" / "static" / "views"
    script = (views / "findings.js").read_text(encoding="utf-8")
    table = script[script.index("const WRITTEN = {") : script.index("\n};")]
    named = re.findall(r'"(\w+)"|^  (\w+):', table, re.MULTILINE)
    assert {quoted or key for quoted, key in named} == set(WRITTEN)


def test_sales_that_could_not_be_compared_are_not_called_usual(report: DayReport) -> None:
    first_day = msgspec.structs.replace(report, noticed=[], unjudged=[*KINDS])
    page = render(first_day, "es")
    assert "Nada se apartó de lo usual" not in page
    assert "No había con qué comparar la aprobación, los productos, las sucursales" in page
    usual = msgspec.structs.replace(first_day, unjudged=[])
    assert "Nada se apartó de lo usual" in render(usual, "es")


@pytest.mark.parametrize("language", languages())
def test_every_fault_has_its_name(report: DayReport, language: str) -> None:
    quality = Quality("r1", reconciled=True, committed=9, faults=dict.fromkeys(FAULTS, 7))
    page = render(msgspec.structs.replace(report, quality=quality), language)
    assert page.count(": 7</li>") == len(FAULTS)
