"""What levels off, and what grows."""

from __future__ import annotations

import math

import pytest

from soak.levels import FEWEST, level, slope

HOURS = [n / 120 for n in range(120)]


def test_a_straight_line_grows_and_tells_by_how_much_an_hour() -> None:
    found = level(HOURS, [100 + 60 * at for at in HOURS], floor=0)
    assert found.levels_off is False
    assert found.per_hour == pytest.approx(60)
    assert found.start == 100


def test_what_grows_at_first_and_then_stays_levels_off() -> None:
    assert level(HOURS, [min(at, 0.5) * 1000 for at in HOURS], floor=0).levels_off is True


def test_what_approaches_its_limit_levels_off() -> None:
    assert level(HOURS, [500 - 300 * math.exp(-8 * at) for at in HOURS], floor=0).levels_off is True


def test_what_is_cleaned_up_now_and_then_levels_off() -> None:
    assert level(HOURS, [float(n % 13) for n in range(120)], floor=1).levels_off is True


def test_a_slow_leak_that_a_saw_tooth_hides_is_found() -> None:
    leak = [10 + 5 * (n % 10) + n for n in range(120)]
    assert level(HOURS, leak, floor=0).levels_off is False


def test_a_few_more_of_what_is_small_are_no_growth() -> None:
    values = [3.0 + 2 * (at > 0.75) for at in HOURS]
    assert level(HOURS, values, floor=0).levels_off is False
    assert level(HOURS, values, floor=6).levels_off is True


def test_what_falls_levels_off() -> None:
    assert level(HOURS, [1000 - 500 * at for at in HOURS], floor=0).levels_off is True


@pytest.mark.parametrize("count", [1, 2, 3, FEWEST - 1])
def test_a_short_run_is_not_judged(count: int) -> None:
    found = level(HOURS[:count], [float(n) for n in range(count)], floor=0)
    assert found.levels_off is None
    assert found.end >= found.warm


def test_a_single_sample_has_no_slope() -> None:
    assert slope([1.0], [5.0]) == 0
