"""`./ventas bench`: run the parts one after the other on one broker, and print the figures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from commands.bench.figures import FIGURES, result
from commands.bench.page import Size, measure_page
from commands.bench.page_report import page_tables
from commands.bench.parts import PARTS, Part, run_part
from commands.progress import StackProgress
from include.stack import stack
from include.stack.settings import Settings
from include.stack.temporary import Services, stopped_in_order, temporary_settings
from include.texts import terminal_text

ROUNDS: Final = 5
"""Number of turns of the load mode and Kafka's own benchmark: the machine's speed varies."""

PAGE: Final = "page"
"""The part that needs a whole stack and about an hour: it runs only if it is named."""

NAMES: Final = (*PARTS, PAGE)
"""Names of all parts, in the order in which they run."""

_COMPARED: Final = ("load", "perf_test")

Measured = dict[str, list[dict[str, Any]]]
"""Reports of each part's runs, by the part's name."""


def run_bench(
    settings: Settings,
    console: Console,
    *,
    names: Sequence[str],
    quick: bool,
    page: Size,
    as_json: bool,
) -> int:
    """Run the named parts, or all but the page; print the figures and return the exit code.

    `quick` is the size of all parts but the page, whose size is `page`.
    """
    measured: Measured = {}
    messages = Console(stderr=True) if as_json else console
    with stopped_in_order(), StackProgress(messages) as progress:
        products = stack.products(settings, progress.callbacks())
        with temporary_settings(settings) as own, ExitStack() as kafka:
            services = Services(own, products, settings.logs)
            address = ""
            for number, part in enumerate(_order(names or list(PARTS))):
                if part.kafka and not address:
                    progress.step(terminal_text("cli.bench.steps.kafka"))
                    address = kafka.enter_context(services.kafka())
                with ExitStack() as druid:
                    addresses = ["--kafka", address, "--topic", f"bench-{number}"]
                    if part.druid:
                        progress.step(terminal_text("cli.bench.steps.druid"))
                        addresses += ["--druid", druid.enter_context(services.druid())]
                    progress.step(part.title)
                    found = run_part(
                        part,
                        own,
                        settings.logs,
                        size=part.quick if quick else part.full,
                        addresses=addresses if part.kafka else (),
                    )
                measured.setdefault(part.name, []).append(found)
        if PAGE in names:
            measured[PAGE] = [measure_page(settings, progress.callbacks(), page)]
    figures = result(measured)
    if as_json:
        print(json.dumps({**figures, "details": {"quick": quick, **measured}}))
    else:
        console.print(_figures_table(figures))
        pages = measured.pop(PAGE, [])
        if measured:
            console.print(_rates_table(measured))
        for found in pages:
            console.print(*page_tables(found), sep="\n")
    return 0


def _order(names: Sequence[str]) -> Iterator[Part]:
    """Yield the parts in the order of `PARTS`; the compared ones alternate `ROUNDS` times."""
    wanted = [part for part in PARTS.values() if part.name in names]
    compared = [part for part in wanted if part.name in _COMPARED]
    for part in wanted:
        if part not in compared:
            yield part
        elif part is compared[0]:
            yield from compared * ROUNDS


def _figures_table(figures: Mapping[str, float | None]) -> Table:
    columns = (terminal_text(f"cli.bench.{name}") for name in ("figure", "result", "target"))
    table = Table(*columns, title=terminal_text("cli.bench.title"), title_justify="left")
    for figure in FIGURES:
        value = figures[figure.key]
        if value is None:
            table.add_row(
                figure.title, f"[dim]{terminal_text('cli.bench.not_measured')}[/]", figure.target
            )
        else:
            colour = "green" if figure.is_met(value) else "red"
            shown = f"[{colour}]{figure.form.format(value)}[/]"
            table.add_row(figure.title, shown, figure.target)
    return table


def _rates_table(measured: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    columns = (terminal_text(f"cli.bench.{name}") for name in ("part", "measured"))
    table = Table(*columns, title=terminal_text("cli.bench.details"), title_justify="left")
    for name, runs in measured.items():
        for found in runs:
            table.add_row(PARTS[name].title, ", ".join(_shown(*item) for item in found.items()))
    return table


def _shown(name: str, value: Any) -> str:
    return f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}"
