"""The figures that are computed from the stages of the page's benchmark."""

from typing import Any

from commands.bench.page import figures
from tests.unit.commands.bench.support import SPREAD, STAGE


def larger(part: str, p95: float, cpu: float) -> dict[str, Any]:
    """A part of a stage with a larger past."""
    measured = STAGE[part]
    return {**measured, "p95_ms": p95, "cpu_ms": {**measured["cpu_ms"], "all": cpu}}


def test_figures_are_the_worst_values_of_the_first_stage() -> None:
    assert figures([STAGE]) == {
        "first_paint_s": 1.5,
        "api_p95_ms": 150.0,
        "explore_p95_ms": 250.0,
        "event_on_screen_s": 2.1,
        "viewers_p95_ms": 300.0,
        "crowding": 2.0,
        "viewers_held": 50,
        "first_minutes_p95_ms": 380.0,
        "growth": None,
        "cpu_ms": 70.0,
        "cpu_growth": None,
    }


def test_growth_is_the_larger_of_the_two_growths() -> None:
    second = {
        **STAGE,
        "api": larger("api", 180.0, 105.0),
        "viewers": larger("viewers", 450.0, 70.0),
    }
    found = figures([STAGE, second])
    assert (found["growth"], found["cpu_growth"]) == (1.5, 1.5)


def test_growth_compares_pasts_at_the_same_rate() -> None:
    faster = {**STAGE, "rate": 50, "api": larger("api", 900.0, 900.0)}
    assert figures([STAGE, faster])["growth"] is None
    found = figures([STAGE, faster, {**STAGE, "past": 20}, {**faster, "past": 20}])
    assert found["growth"] == 1


def test_without_browser_held_level_or_first_minutes_these_figures_are_empty() -> None:
    less = {key: value for key, value in STAGE.items() if value is not SPREAD}
    del less["first_minutes"]
    found = figures([{**less, "most_held": None}])
    assert found["first_paint_s"] is None
    assert found["first_minutes_p95_ms"] is None
    assert found["viewers_held"] == 0
