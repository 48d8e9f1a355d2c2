"""Render a day's report as one HTML file for the screen and for paper, without scripts."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.page.findings.report import KINDS, Finding
from include.page.measures import Measures
from include.page.reports import chart
from include.page.reports.day import Compared, DayReport, Hour, Named, Noticed
from include.page.reports.formats import Formats
from include.texts import has, text

LARGEST: Final = 15
"""Most rows of a table of stores, cards or categories; each store may have a page of its own."""

MOST_TOLD: Final = 3
"""Most findings in a message."""

_SAME: Final = 0.0005
"""A change below it, as a share, counts as none."""

_PLAIN: Final = 0.005
"""A change below it is neither good nor bad."""

_TONES: Final = {1: "better", -1: "worse"}


class Change(NamedTuple):
    """A figure's change in words, against which day, and "better", "worse" or "" for neither."""

    text: str
    tone: str
    against: str


class Figure(NamedTuple):
    """A key figure of the day.

    Attributes:
        name: key of its text, `report.figure.<name>`.
        value: its value for a day; None if the day has none.
        shown: method of `Formats` that writes the value.
        better: 1 if a higher value is better, -1 if a lower one is, 0 for neither.
        is_share: whether its change is written in percentage points.
    """

    name: str
    value: Callable[[Measures], float | None]
    shown: Callable[[Formats, float], str]
    better: int
    is_share: bool = False


FIGURES: Final = (
    Figure("sales", lambda of: of.sales, Formats.count, 1),
    Figure("revenue", lambda of: of.revenue_centavos, Formats.short_money, 1),
    Figure("ticket", lambda of: of.ticket_centavos, Formats.short_money, 0),
    Figure("approval", lambda of: of.approval, Formats.percent, 1, is_share=True),
    Figure("returns", lambda of: of.returns, Formats.count, -1),
)

WRITTEN: Final[Mapping[str, Callable[[Formats, float], str]]] = {
    **dict.fromkeys(
        (
            *("share", "usual", "low", "high"),
            *("sales_share", "sales_usual", "sales_low", "sales_high"),
            *("income_share", "income_usual", "income_most"),
        ),
        Formats.percent,
    ),
    **dict.fromkeys(("lost_centavos", "given_centavos"), Formats.short_money),
    "minutes": Formats.duration,
    "last": Formats.hour,
    "expected": lambda formats, value: formats.decimal(value, 1 if value < 10 else 0),
}
"""Format of each number in a finding's sentence; any other number is a count.

The live page has the same table, in `static/views/findings.js`."""


def render(report: DayReport, language: str, *, by_store: bool = False) -> str:
    """Return the report in a language, as HTML; with `by_store`, also a page for each store."""
    words = _Words(report, language)
    template = _templates().get_template("document.html")
    return template.render(report=report, words=words, t=words.t, by_store=by_store)


class Told(NamedTuple):
    """A key figure in words; `changes` are against yesterday and the weekday of last week."""

    name: str
    value: str
    changes: list[Change]


class Brief(NamedTuple):
    """The report's first words: its day, key figures, first findings, and a warning or ""."""

    title: str
    figures: list[Told]
    noticed: list[str]
    warning: str


def brief(report: DayReport, language: str) -> Brief:
    """Return the first words of the report, for a page that shows a part of it."""
    words = _Words(report, language)
    told = [words.told(figure, report.total) for figure in FIGURES]
    noticed = [words.finding(found)["title"] for found in report.noticed[:MOST_TOLD]]
    warning = "" if report.quality.reconciled else words.t("quality.not_proved")
    return Brief(f"{words.t('title')}: {words.day()}", told, noticed, warning)


def summary(report: DayReport, language: str) -> list[str]:
    """Return the lines of `brief` as plain texts, for a message."""
    found = brief(report, language)
    lines = [found.title]
    for name, value, changes in found.figures:
        told = "; ".join(f"{change.text} {change.against}" for change in changes)
        lines.append(f"{name}: {value} ({told})")
    if found.noticed:
        title = text("report.finding.title", language)
        lines.append(f"{title}: {'; '.join(found.noticed)}")
    return [*lines, found.warning] if found.warning else lines


def sentences(found: Finding | Noticed, language: str) -> tuple[str, str]:
    """Return the title of a finding, and its sentence with the numbers."""
    formats, numbers = Formats(language), found.numbers
    values: dict[str, Any] = {
        name: WRITTEN.get(name, Formats.count)(formats, value) for name, value in numbers.items()
    }
    values |= {
        "what": " ".join(_name(*filter_, language) for filter_ in found.subject.items()),
        "low_n": formats.count(numbers["low"] * numbers["n"]),
        "high_n": formats.count(numbers["high"] * numbers["n"]),
    }
    key = f"page.findings.{found.kind}.{found.text}"
    return text(f"{key}.title", language, **values), text(f"{key}.body", language, **values)


def _name(filter_name: str, value: str, language: str) -> str:
    key = f"page.live.values.{filter_name}.{value}"
    if has(key):
        return text(key, language)
    return value or text("page.live.unknown", language)


class _Words:
    """The report's numbers and names in a language; the templates use its methods."""

    figures = FIGURES
    largest = LARGEST
    chart = chart

    def __init__(self, report: DayReport, language: str) -> None:
        self._report = report
        self.language = language
        self.formats = Formats(language)

    def t(self, key: str, **values: object) -> str:
        """Return a text of the report."""
        return text(f"report.{key}", self.language, **values)

    def name(self, filter_name: str, value: str) -> str:
        """Return the name that people read, such as "Crédito" for "credito"."""
        return _name(filter_name, value, self.language)

    def told(self, figure: Figure, of: Compared) -> Told:
        """Return a figure of the day, or of a part of it, with its changes."""
        value = figure.value(of.today)
        changes = [
            Change(*self._change(figure, of.today, then), self.t("against", day=day))
            for day, then in zip(self.days_before(), of[1:], strict=True)
        ]
        return Told(self.t(f"figure.{figure.name}"), self._shown(figure, value), changes)

    def _shown(self, figure: Figure, value: float | None) -> str:
        return "–" if value is None else figure.shown(self.formats, value)

    def _change(self, figure: Figure, now_of: Measures, then_of: Measures) -> tuple[str, str]:
        """Return text and tone of a change."""
        now, then = figure.value(now_of), figure.value(then_of)
        if not then_of.sales or now is None or then is None or (not figure.is_share and not then):
            return "–", ""
        by = now - then if figure.is_share else now / then - 1
        arrow = "＝" if abs(by) < _SAME else "▲" if by > 0 else "▼"
        size = (
            f"{self.formats.decimal(abs(by) * 100)}\N{NO-BREAK SPACE}{self.t('points')}"
            if figure.is_share
            else self.formats.percent(abs(by), 1 if abs(by) < 0.1 else 0)
        )
        good = (by > 0) - (by < 0) if abs(by) >= _PLAIN else 0
        return f"{arrow}\N{NO-BREAK SPACE}{size}", _TONES.get(good * figure.better, "")

    def day(self) -> str:
        """Return the report's day, and the time until which it is reported."""
        until = self.t("until", time=self.formats.hour(self._report.end))
        return f"{self.formats.date(self._report.start)}, {until}"

    def days_before(self) -> list[str]:
        """Return the names of the days compared with."""
        return [
            self.t("before.yesterday"),
            self.t("before.week", weekday=self.formats.weekday(self._report.start)),
        ]

    def instalments(self) -> list[Named]:
        """Return the numbers of instalments in words, the smallest number first."""
        by_number = sorted(
            self._report.instalments, key=lambda it: (not it.name.isdigit(), it.name.zfill(9))
        )
        return [it._replace(name=self._instalments(it.name)) for it in by_number]

    def _instalments(self, number: str) -> str:
        if not number:
            return ""
        return text("page.live.instalments", self.language, n=number)

    def revenue_chart(self, hours: list[Hour]) -> chart.Chart:
        today, *before = (
            [measures.revenue_centavos for measures in day]
            for day in zip(*(hour.compared for hour in hours), strict=True)
        )
        return chart.columns(today, before)

    def judged(self) -> bool:
        """Return whether the sales could be compared at all."""
        return len(self._report.unjudged) < len(KINDS)

    def unjudged(self) -> str:
        kinds = (text(f"page.findings.kinds.{it}", self.language) for it in self._report.unjudged)
        return ", ".join(kinds)

    def finding(self, found: Noticed) -> dict[str, str]:
        """Return title, sentence, advice and time of a finding, in words."""
        title, body = sentences(found, self.language)
        first, last, at = map(self.formats.hour, (found.first, found.last, found.at))
        seen = "once" if found.first == found.last else "during"
        goes_on = found.last == self._report.end
        advice = f"page.findings.{found.kind}.action.{found.action}"
        return {
            "title": title,
            "body": body,
            "advice": text(advice, self.language) if goes_on else "",
            "severity": text(f"page.findings.severity.{found.severity}", self.language),
            "when": self.t(f"finding.{seen}", first=first, last=last, at=at),
        }


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
