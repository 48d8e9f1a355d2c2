"""Series that level off are told apart from series that keep growing."""

from __future__ import annotations

import math

import pytest

from commands.soak.levels import FEWEST, level, slope

HOURS = [n / 120 for n in range(120)]


def test_straight_line_does_not_level_off_and_has_its_slope_per_hour() -> None:
    found = level(HOURS, [100 + 60 * at for at in HOURS], floor=0)
    assert found.levels_off is False
    assert found.per_hour == pytest.approx(60)
    assert found.start == 100


def test_growth_during_warm_up_levels_off() -> None:
    assert level(HOURS, [min(at, 0.5) * 1000 for at in HOURS], floor=0).levels_off is True


def test_series_that_approaches_a_limit_levels_off() -> None:
    assert level(HOURS, [500 - 300 * math.exp(-8 * at) for at in HOURS], floor=0).levels_off is True


def test_series_with_periodic_clean_up_levels_off() -> None:
    assert level(HOURS, [float(n % 13) for n in range(120)], floor=1).levels_off is True


def test_slow_leak_within_a_saw_tooth_does_not_level_off() -> None:
    leak = [10 + 5 * (n % 10) + n for n in range(120)]
    assert level(HOURS, leak, floor=0).levels_off is False


def test_small_increase_within_the_floor_levels_off() -> None:
    values = [3.0 + 2 * (at > 0.75) for at in HOURS]
    assert level(HOURS, values, floor=0).levels_off is False
    assert level(HOURS, values, floor=6).levels_off is True


def test_falling_series_levels_off() -> None:
    assert level(HOURS, [1000 - 500 * at for at in HOURS], floor=0).levels_off is True


@pytest.mark.parametrize("count", [1, 2, 3, FEWEST - 1])
def test_series_with_too_few_samples_gets_no_decision(count: int) -> None:
    found = level(HOURS[:count], [float(n) for n in range(count)], floor=0)
    assert found.levels_off is None
    assert found.end >= found.warm


def test_slope_is_in_units_of_time_and_zero_for_a_single_sample() -> None:
    assert slope([1000.0, 1001.0, 1003.0], [10, 13, 19]) == pytest.approx(3)
    assert slope([1.0], [5.0]) == 0
