"""Looks at about the same time share the moment at which they end."""

from datetime import UTC, datetime, timedelta

from include.page.shared_moment import OLDEST, SharedMoment

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def moments(*after: timedelta) -> list[timedelta]:
    """Return the moments, as times after `NOW`, of looks at these times after `NOW`."""
    clock = iter(after)
    shared = SharedMoment(lambda: NOW + next(clock))
    return [shared.get() - NOW for _ in after]


def test_look_that_comes_alone_ends_now() -> None:
    alone = [n * OLDEST for n in (0, 1, 3)]
    assert moments(*alone) == alone


def test_looks_within_half_a_second_share_the_first_ones_moment() -> None:
    first, last = OLDEST * 0, OLDEST * 0.99
    assert moments(first, OLDEST / 2, last, OLDEST, OLDEST * 1.5) == [first] * 3 + [OLDEST] * 2


def test_clock_that_is_set_back_is_followed() -> None:
    back = timedelta(hours=-1)
    assert moments(timedelta(0), back) == [timedelta(0), back]
