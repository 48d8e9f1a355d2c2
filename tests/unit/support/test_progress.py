from __future__ import annotations

from commands.test.suites import SUITES
from tests.support.progress import EVERY, Progress

UNIT = [f"tests/unit/test_a.py::test_{n}" for n in range(4)]
DAGS = ["tests/dags/test_b.py::test_only"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_written_at_intervals_and_at_the_end_of_a_suite() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = Progress(lines.append, clock)
    progress.collected([*UNIT, *DAGS])

    progress.ended(UNIT[0])
    assert lines == [], "one line for each test would hide the rest"
    clock.now += EVERY
    progress.ended(UNIT[1])
    progress.ended(DAGS[0])

    assert [line.split(", about")[0] for line in lines] == [
        "unit: test 2 of 4",
        "dags: test 1 of 1",
    ]


def test_estimate_follows_the_speed_so_far() -> None:
    clock = Clock()
    progress = Progress(lambda _: None, clock)
    progress.collected(UNIT)
    usual = SUITES["unit"].seconds / 60
    assert progress.minutes_left() == usual
    progress.ended(UNIT[0])
    progress.ended(UNIT[1])
    clock.now = usual * 30
    assert round(progress.minutes_left(), 3) == round(usual / 2, 3)
    clock.now *= 10
    assert progress.minutes_left() > usual
    progress.ended(UNIT[2])
    progress.ended(UNIT[3])
    assert progress.minutes_left() == 0.0
