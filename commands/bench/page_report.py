"""Tables of the page's measurements, for the console."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from include.texts import terminal_text

_SPREADS: Final = (
    *("first_paint", "first_paint_again", "first_paint_in_airflow"),
    "event_on_screen",
)


def page_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Yield two tables for each size: times of the API, and times of the screen."""
    for stage in found["sizes"]:
        title = _said("title", events=stage["events"], segments=stage["segments"])
        yield _looks(stage, title)
        yield _screen(stage, title)


def _looks(stage: Mapping[str, Any], title: str) -> Table:
    table = Table(
        *(_said("looks"), _said("count"), _said("failed"), "p50 ms", "p95 ms"),
        *(f"{_said('longest')} ms", _said("age")),
        title=title,
        title_justify="left",
    )

    def add(name: str, measured: Mapping[str, Any]) -> None:
        keys = ("looks", "failed", "p50_ms", "p95_ms", "max_ms", "age_p95_s")
        table.add_row(name, *(str(measured[key]) for key in keys))

    add(_said("viewer"), stage["api"])
    add(_said("viewer_findings"), stage["api_findings"])
    add(_said("explore"), stage["explore"])
    add(_said("viewers"), stage["viewers"])
    add(_said("viewers_findings"), stage["viewers_findings"])
    for row in stage["ranges"]:
        filtered = _said("filtered" if row["filtered"] else "unfiltered")
        add(f"{row['rango']} {filtered}, {_said(row['kind'])}", row)
    return table


def _screen(stage: Mapping[str, Any], title: str) -> Table:
    table = Table(
        *(_said("screen"), _said("times"), "p50 s", "p95 s", f"{_said('longest')} s"),
        title=title,
        title_justify="left",
    )
    for key in _SPREADS:
        if key in stage:
            times = stage[key]
            name = _said(f"spreads.{key}")
            shown = _said("blind", name=name) if times.get("browser") is False else name
            table.add_row(
                shown, *(str(times[part]) for part in ("times", "p50_s", "p95_s", "max_s"))
            )
    return table


def _said(key: str, **values: object) -> str:
    return terminal_text(f"cli.bench.page.{key}", **values)
