import time
from datetime import UTC, datetime, timedelta

import pytest

from include.sales import steady_clock


def test_wall_clock_gives_the_time_of_day() -> None:
    assert steady_clock.seconds() == pytest.approx(time.time(), abs=60)
    assert abs(steady_clock.now() - datetime.now(UTC)) < timedelta(seconds=60)
    assert steady_clock.now().tzinfo is UTC


@pytest.mark.parametrize("step", [-600, 600])
def test_setting_the_system_clock_does_not_move_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    before = steady_clock.seconds()
    set_to = time.time() + step
    monkeypatch.setattr(time, "time", lambda: set_to)
    assert 0 <= steady_clock.seconds() - before < 60
