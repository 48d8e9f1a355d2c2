"""The figures that are computed from the stages of the page's benchmark."""

from commands.bench.page import figures
from tests.unit.commands.bench.support import SPREAD, STAGE


def test_figures_are_the_worst_values_of_the_first_stage() -> None:
    assert figures([STAGE]) == {
        "first_paint_s": 1.5,
        "api_p95_ms": 150.0,
        "explore_p95_ms": 250.0,
        "event_on_screen_s": 2.1,
        "viewers_p95_ms": 300.0,
        "growth": None,
    }


def test_growth_is_the_larger_of_the_two_growths() -> None:
    larger = {
        **STAGE,
        "api": {**STAGE["api"], "p95_ms": 180.0},
        "viewers": {**STAGE["viewers"], "p95_ms": 450.0},
    }
    assert figures([STAGE, larger])["growth"] == 1.5


def test_without_a_browser_there_is_no_first_paint() -> None:
    blind = {key: value for key, value in STAGE.items() if value is not SPREAD}
    assert figures([blind])["first_paint_s"] is None
