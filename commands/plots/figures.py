"""Figures of docs/market.md, from simulated sales; `include/sales/summary.py` has the numbers.

The same seed gives the same bytes. The background is opaque, so that a figure is readable on a page
of any colour. Colour-blind people can distinguish its two colours (Okabe and Ito's).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from include.sales.demand import REFERENCE_YEAR, Demand
from include.sales.market import Market, load_market
from include.sales.random_numbers import Floats
from include.sales.sale_line import value_text
from include.sales.summary import Day, Mix, payment_mixes, sales_by_hour, simulate
from include.sales.tables import CHANNELS
from include.texts import in_terminal_language, text

SALES_PER_SECOND: Final = 0.1
"""Mean sales per second of the figures of single days: few enough to show the random variation."""

MIX_DAYS: Final = (date(REFERENCE_YEAR, 1, 1), date(REFERENCE_YEAR + 1, 1, 1))
"""First day of the payment-mix figure, and the day after its last day."""

MIX_SALES_PER_SECOND: Final = 0.01
"""Mean sales per second of the payment-mix figure: about 315,000 sales in a year."""

ORDINARY_DAYS: Final = (date(2026, 5, 6), date(2026, 5, 9), date(2026, 5, 10))
"""A weekday, a Saturday and a Sunday without event, payday or holiday."""

CYBERMONDAY: Final = date(2025, 11, 3)
MONDAYS: Final = (date(2025, 10, 13), date(2025, 10, 20), date(2025, 10, 27))
"""Ordinary Mondays before CyberMonday."""

BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREY: Final = "#8A8A8A"
INK: Final = "#222222"
COLOURS: Final = dict(zip(CHANNELS, (BLUE, VERMILION), strict=True))

STYLE: Final = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "ytick.left": False,  # the grid lines are enough
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    # Text as outlines, which need no font on the reader's machine.
    "svg.fonttype": "path",
    "svg.hashsalt": "ventas",
}

_THOUSANDS: Final = FuncFormatter(lambda value, _: number(value))


def number(value: float, decimals: int = 0) -> str:
    """Format a number as the language does: in Spanish, 1234.5 with one decimal is `1.234,5`."""
    signs = text("refusal.thousands") + text("refusal.decimal")
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", signs))


def draw_all(folder: Path, seed: int) -> Iterator[Path]:
    """Draw every figure into a folder as SVG; yield the path of each when it is written."""
    market = load_market()
    demand = Demand(market)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (
        ("day-curve", draw_day_curve),
        ("payment-mix", draw_payment_mix),
        ("cybermonday", draw_cybermonday),
    ):
        path = folder / f"{name}.svg"
        with _style():
            draw(market, demand, seed).savefig(path, metadata={"Date": None})
        yield path


def draw_day_curve(market: Market, demand: Demand, seed: int) -> Figure:
    """Draw the simulated sales by hour of three ordinary days over their demand curve."""
    figure = Figure(figsize=(9.6, 5.6), layout="constrained")
    axes = figure.subplots(len(CHANNELS), len(ORDINARY_DAYS), sharex=True, sharey="row")
    for column, day in enumerate(ORDINARY_DAYS):
        sales = sales_by_hour(market, demand, seed, day, SALES_PER_SECOND)
        for row, channel in enumerate(CHANNELS):
            axis = axes[row, column]
            colour = COLOURS[channel]
            expected = sales.expected[:, row]
            axis.stairs(expected, range(25), fill=True, color=colour, alpha=0.18)
            axis.stairs(
                expected,
                range(25),
                baseline=None,
                color=colour,
                linewidth=1.4,
                label=_said("demand"),
            )
            axis.plot(
                np.arange(24) + 0.5,
                sales.simulated[:, row],
                "o",
                color=INK,
                markersize=3.4,
                label=_said("simulated_sales"),
            )
            total = number(sales.simulated[:, row].sum())
            title = f"{_said(f'weekday.{day.weekday()}')} {day:%d/%m/%Y}\n" if row == 0 else ""
            axis.set_title(f"{title}{_said('total', channel=_channel(channel), total=total)}")
            _hours(axis)
            axis.label_outer(remove_inner_ticks=True)
        axes[-1, column].set_xlabel(_said("hour"))
    for row in range(len(CHANNELS)):
        axes[row, 0].set_ylabel(_said("per_hour"))
        axes[row, 0].set_ylim(bottom=0)
    axes[0, 0].legend(loc="upper left", fontsize=8)
    _frame(figure, "day", seed=seed, rate=number(SALES_PER_SECOND, 1))
    return figure


def draw_payment_mix(market: Market, demand: Demand, seed: int) -> Figure:
    """Draw the payment mix of a year's simulated sales next to each published mix."""
    mixes = payment_mixes(
        market, simulate(market, demand, seed, *MIX_DAYS, scale=MIX_SALES_PER_SECOND)
    )
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    axes = figure.subplots(1, len(mixes), sharex=True, squeeze=False)[0]
    for axis, mix in zip(axes, mixes, strict=True):
        _mix_panel(axis, mix)
        axis.set_ylim(max(len(mix.options) for mix in mixes) - 0.5, -0.5)  # same height of bars
    axes[0].legend(loc="lower right")
    _frame(figure, "mix", seed=seed, year=REFERENCE_YEAR)
    return figure


def draw_cybermonday(market: Market, demand: Demand, seed: int) -> Figure:
    """Draw CyberMonday's sales by hour next to the mean of the ordinary Mondays before."""
    cyber, *mondays = (
        sales_by_hour(market, demand, seed, day, SALES_PER_SECOND)
        for day in (CYBERMONDAY, *MONDAYS)
    )
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    axes = figure.subplots(1, len(CHANNELS), sharey=True)
    ordinary = np.mean([monday.simulated for monday in mondays], axis=0)
    for axis, channel in zip(axes, reversed(CHANNELS), strict=True):
        position = CHANNELS.index(channel)
        _against_mondays(axis, cyber, mondays, position, COLOURS[channel])
        times = number(cyber.simulated[:, position].sum() / ordinary[:, position].sum(), 1)
        total = number(cyber.simulated[:, position].sum())
        axis.set_title(_said("times", channel=_channel(channel), total=total, times=times))
        axis.legend(loc="upper left", fontsize=8)
        _hours(axis)
        axis.set_xlabel(_said("hour"))
    axes[0].set_ylabel(_said("per_hour"))
    axes[0].set_ylim(0, 1.3 * cyber.simulated.max())  # room for the legends
    _frame(
        figure,
        "cybermonday",
        day=f"{CYBERMONDAY:%d/%m/%Y}",
        times=number(cyber.simulated.sum() / ordinary.sum(), 1),
        seed=seed,
        rate=number(SALES_PER_SECOND, 1),
    )
    return figure


def _mix_panel(axis: Axes, mix: Mix) -> None:
    names = [
        _said("and").join(value_text("pago", tipo) for tipo in option) for option in mix.options
    ]
    rows = np.arange(len(names))
    for values, offset, colour, label in (
        (mix.published, -0.2, GREY, _said("published")),
        (mix.simulated, 0.2, BLUE, _said("simulated")),
    ):
        bars = axis.barh(rows + offset, values, height=0.36, color=colour, label=label)
        axis.bar_label(bars, [f"{number(value, 1)} %" for value in values], padding=3, fontsize=8)
    axis.set_yticks(rows, names)
    axis.set_xlim(0, 75)
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.spines["bottom"].set_visible(False)
    year, *month = mix.date.split("-")
    source = mix.source.replace(" via ", f"\n{_said('via')} ")
    what = f"{mix.grupo.capitalize() or _said('all_groups')}, {_channel(mix.canal)}"
    axis.set_title(what, fontweight="bold", pad=40)
    axis.text(
        0,
        1.02,
        f"{source}, {'/'.join([*month, year])}\n{number(mix.sales)} {_said('simulated_sales')}",
        transform=axis.transAxes,
        fontsize=8,
        va="bottom",
    )


def _against_mondays(
    axis: Axes, cyber: Day, mondays: Sequence[Day], channel: int, colour: str
) -> None:
    ordinary: Floats = np.mean([monday.simulated[:, channel] for monday in mondays], axis=0)
    axis.stairs(
        cyber.simulated[:, channel],
        range(25),
        baseline=None,
        color=colour,
        linewidth=2,
        label="CyberMonday",
    )
    axis.stairs(
        ordinary,
        range(25),
        fill=True,
        color="#CFCFCF",
        label=_said("mondays", count=len(mondays)),
    )


def _hours(axis: Axes) -> None:
    axis.set_xlim(0, 24)
    axis.set_xticks(range(0, 25, 4))
    axis.yaxis.set_major_formatter(_THOUSANDS)
    axis.grid(axis="y")
    axis.set_axisbelow(True)


def _frame(figure: Figure, name: str, **values: object) -> None:
    title, source = (_said(f"{name}.{part}", **values) for part in ("title", "source"))
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.supxlabel(source, x=0.01, ha="left", fontsize=7.5, color="#555555")


def _channel(name: str) -> str:
    return _said(f"channels.{name}")


def _said(key: str, **values: object) -> str:
    return text(f"cli.plots.{key}", None, **values)


@contextmanager
def _style() -> Iterator[None]:
    """Draw in this style, without the user's own matplotlib settings, and in their language."""
    with matplotlib.style.context(["default", STYLE]), in_terminal_language():
        yield
