"""Geometry of the report's charts."""

import pytest

from include.page.reports import chart


@pytest.mark.parametrize(
    ("most", "step"),
    [(0, 1), (5, 1), (5.1, 2), (10, 2), (11, 5), (26, 10), (1_500_000, 500_000), (0.3, 0.1)],
)
def test_axis_has_at_most_five_steps_of_1_2_or_5(most: float, step: float) -> None:
    assert chart.nice_step(most) == pytest.approx(step)


def test_columns_and_lines_share_the_axis() -> None:
    found = chart.columns([1.0, 4.0], [[8.0, 2.0]])
    assert [tick.value for tick in found.ticks] == [0, 2, 4, 6, 8]
    bottom, top = found.ticks[0].y, found.ticks[-1].y
    assert (bottom, top) == (chart.HEIGHT - chart.BOTTOM, chart.TOP)
    assert [bar.y + bar.height for bar in found.bars] == [pytest.approx(bottom)] * 2
    assert found.bars[1].height == pytest.approx(4 * found.bars[0].height, rel=0.01)
    first, second = found.lines[0].split()
    assert float(first.split(",")[1]) == top
    assert float(second.split(",")[1]) == pytest.approx(found.ticks[1].y)
    centre = found.bars[0].x + found.bars[0].width / 2
    assert float(first.split(",")[0]) == pytest.approx(centre, abs=0.2)


def test_chart_without_sales_has_an_axis_and_flat_columns() -> None:
    found = chart.columns([0.0], [[0.0]])
    assert [tick.value for tick in found.ticks] == [0, 1]
    assert found.bars[0].height == 0
