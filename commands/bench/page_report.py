"""Tables of the page's measurements, for the console."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.table import Table

from commands.bench.page_cpu import KINDS
from include.texts import terminal_text

_SPREADS: Final = (
    *("first_paint", "first_paint_again", "first_paint_in_airflow"),
    "event_on_screen",
)


def page_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Yield two tables of all sizes, and two for each: times of the API, and of the screen."""
    yield from _sizes(found["sizes"])
    for stage in found["sizes"]:
        title = _said("title", **{name: stage[name] for name in ("events", "segments", "rate")})
        yield _looks(stage, title)
        yield _screen(stage, title)


def _sizes(stages: Sequence[Mapping[str, Any]]) -> Sequence[Table]:
    """Return the times and the processor times of a look, by size and number of viewers.

    Both in one table would be wider than a console of 80 columns.
    """
    who = [_said(name) for name in ("past", "rate", "at_once")]
    shown = [_said("per_s"), _said("failed"), "p50 ms", "p95 ms", "p99 ms"]
    times = Table(*who, *shown, title=_said("sizes"), title_justify="left")
    cpu = Table(*who, _said("cpu"), *KINDS, title=_said("sizes_cpu"), title_justify="left")

    def add(stage: Mapping[str, Any], viewers: str, row: Mapping[str, Any]) -> None:
        size = (f"{stage['events'] / 1e6:.1f}", f"{stage['rate']:g}", viewers)
        keys = ("per_s", "failed", "p50_ms", "p95_ms", "p99_ms")
        times.add_row(*size, *(str(row.get(key, "")) for key in keys))
        if used := row.get("cpu_ms"):
            cpu.add_row(*size, *(str(used.get(kind, "")) for kind in ("all", *KINDS)))

    for stage in stages:
        add(stage, _said("viewer"), stage["api"])
        for level in stage["levels"]:
            add(stage, str(level["viewers"]), level)
        if "first_minutes" in stage:
            start = stage["first_minutes"]
            add(stage, _said("first_minutes", first=start["first_ms"]), start)
    return times, cpu


def _looks(stage: Mapping[str, Any], title: str) -> Table:
    table = Table(
        *(_said("looks"), _said("count"), _said("failed"), "p50 ms", "p95 ms", "p99 ms"),
        *(f"{_said('longest')} ms", _said("age")),
        title=title,
        title_justify="left",
    )

    def add(name: str, measured: Mapping[str, Any]) -> None:
        keys = ("looks", "failed", "p50_ms", "p95_ms", "p99_ms", "max_ms", "age_p95_s")
        table.add_row(name, *(str(measured[key]) for key in keys))

    add(_said("viewer"), stage["api"])
    add(_said("viewer_findings"), stage["api_findings"])
    add(_said("explore"), stage["explore"])
    add(_said("viewers", viewers=stage["viewers"]["viewers"]), stage["viewers"])
    add(
        _said("viewers_findings", viewers=stage["viewers"]["viewers"]),
        stage["viewers"]["findings"],
    )
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
