"""The figures of docs/market.md: they are drawn, and the same seed gives the same bytes."""

import subprocess
import sys
import xml.etree.ElementTree as ET  # of our own files
from datetime import date
from pathlib import Path

import pytest

from commands.cli import main
from commands.plots import figures
from commands.plots.figures import number
from include.stack.settings import ROOT

FIGURES = {"day-curve.svg", "payment-mix.svg", "cybermonday.svg"}


def drawn(folder: Path, seed: int) -> dict[str, bytes]:
    assert main(["plots", f"--folder={folder}", f"--seed={seed}"]) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_same_seed_draws_identical_small_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # One month instead of a year of sales, which would take as long as everything else together.
    monkeypatch.setattr(figures, "MIX_DAYS", (date(2025, 3, 1), date(2025, 4, 1)))
    one = drawn(tmp_path / "new" / "one", 1)
    said = capsys.readouterr().out.splitlines()
    assert {Path(line).name for line in said} == set(one) == FIGURES
    for image in one.values():
        assert ET.fromstring(image).tag.endswith("svg")  # noqa: S314
        assert len(image) < 150_000
    assert drawn(tmp_path / "again", 1) == one
    other = drawn(tmp_path / "other", 2)
    assert all(other[name] != one[name] for name in FIGURES)


def test_market_page_shows_each_figure() -> None:
    page = (ROOT / "docs" / "market.md").read_text(encoding="utf-8")
    for name in FIGURES:
        assert f"](images/{name})" in page
        assert (ROOT / "docs" / "images" / name).exists()


def test_command_line_does_not_import_matplotlib() -> None:
    code = "import sys, commands.cli; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1234567.0, 0, "1.234.567"), (1234.56, 1, "1.234,6"), (0.1, 1, "0,1")],
)
def test_numbers_are_formatted_as_in_argentina(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text
