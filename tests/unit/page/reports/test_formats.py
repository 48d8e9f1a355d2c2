"""Numbers and moments as each language writes them."""

from datetime import UTC, datetime

import pytest

from include.page.reports.formats import Formats
from include.sales.local_time import epoch_ms

ES, EN = Formats("es"), Formats("en")
NIGHT = epoch_ms(datetime(2026, 11, 25, 0, 5, tzinfo=UTC))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("centavos", "spanish", "english"),
    [
        (0, "$ 0", "$ 0"),
        (123_456, "$ 1.235", "$ 1,235"),
        (1_234_567, "$ 12 mil", "$ 12 k"),
        (150_000_000, "$ 1,5 M", "$ 1.5 M"),
        (-150_000_000, "$ -1,5 M", "$ -1.5 M"),
        (123_456_789_000, "$ 1.235 M", "$ 1,235 M"),
    ],
)
def test_large_amounts_are_shortened(centavos: int, spanish: str, english: str) -> None:
    assert plain(ES.short_money(centavos)) == spanish
    assert plain(EN.short_money(centavos)) == english


@pytest.mark.parametrize(
    ("step", "labels"),
    [
        (50_000_000, ["$ 0", "$ 0,5 M", "$ 1,0 M"]),
        (500_000_000, ["$ 0", "$ 5 M", "$ 10 M"]),
        (1_000_000, ["$ 0", "$ 10 mil", "$ 20 mil"]),
        (100, ["$ 0", "$ 1", "$ 2"]),
    ],
)
def test_labels_of_an_axis_have_one_unit(step: int, labels: list[str]) -> None:
    assert [*map(plain, ES.axis_money([0, step, 2 * step]))] == labels


def test_moments_are_local_and_in_the_language() -> None:
    assert (ES.hour(NIGHT), EN.hour(NIGHT)) == ("21:05", "21:05")
    assert ES.date(NIGHT) == "martes, 24 de noviembre de 2026"
    assert EN.date(NIGHT) == "Tuesday, 24 November 2026"
    assert (ES.weekday(NIGHT), EN.weekday(NIGHT)) == ("martes", "Tuesday")


def test_percent_and_duration() -> None:
    assert plain(ES.percent(0.9547)) == "95,5 %"
    assert plain(EN.percent(1, 0)) == "100 %"
    assert (plain(ES.duration(15)), plain(ES.duration(180))) == ("15 min", "3 h")
