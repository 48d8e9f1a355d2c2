import time
from datetime import UTC, datetime, timedelta

import pytest

from include.sales import wall


def test_it_is_the_time_of_day() -> None:
    assert wall.seconds() == pytest.approx(time.time(), abs=1)
    assert abs(wall.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert wall.now().tzinfo is UTC


@pytest.mark.parametrize("step", [-600, 600])
def test_a_clock_that_is_set_does_not_move_it(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    before = wall.seconds()
    set_to = time.time() + step
    monkeypatch.setattr(time, "time", lambda: set_to)
    assert 0 <= wall.seconds() - before < 1
