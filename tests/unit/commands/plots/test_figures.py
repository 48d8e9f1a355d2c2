"""The figures of docs/market.md: they are drawn, and the same seed gives the same bytes."""

import xml.etree.ElementTree as ET  # of our own files
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from commands.cli import main
from commands.plots import figures
from commands.plots.figures import number
from include.sales.demand import Demand
from include.sales.market import load_market
from include.stack.settings import ROOT

FIGURES = {"day-curve.svg", "payment-mix.svg", "cybermonday.svg"}


def drawn(folder: Path, seed: int) -> dict[str, bytes]:
    assert main(["plots", f"--folder={folder}", f"--seed={seed}"]) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_same_seed_draws_identical_small_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three days instead of a year of sales, which would take longer than everything else together.
    monkeypatch.setattr(figures, "MIX_DAYS", (date(2025, 3, 1), date(2025, 3, 4)))
    one = drawn(tmp_path / "new" / "one", 1)
    said = capsys.readouterr().out.splitlines()
    assert {Path(line).name for line in said} == set(one) == FIGURES
    for image in one.values():
        assert ET.fromstring(image).tag.endswith("svg")  # noqa: S314
        assert len(image) < 150_000
    assert drawn(tmp_path / "again", 1) == one


def test_seed_and_language_decide_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    market = load_market()
    demand = Demand(market)
    sales = []
    for seed, language, label in ((1, "es", "ventas simuladas"), (2, "en", "simulated sales")):
        monkeypatch.setenv("VENTAS_LANGUAGE", language)
        with figures._style():
            axis = figures.draw_day_curve(market, demand, seed).axes[0]
        assert label in axis.get_legend_handles_labels()[1]
        sales.append(np.asarray(axis.lines[0].get_ydata()).tolist())
    assert sales[0] != sales[1]


def test_market_page_shows_each_figure() -> None:
    page = (ROOT / "docs" / "market.md").read_text(encoding="utf-8")
    for name in FIGURES:
        assert f"](images/{name})" in page
        assert (ROOT / "docs" / "images" / name).exists()


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1234567.0, 0, "1.234.567"), (1234.56, 1, "1.234,6"), (0.1, 1, "0,1")],
)
def test_numbers_are_formatted_as_in_argentina(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text
