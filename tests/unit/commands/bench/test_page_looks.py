"""The looks of the benchmark's viewers use only ranges and filters of the page."""

from collections import Counter
from pathlib import Path

import pytest

from commands.bench.page_looks import PROBES, VISITS, Look, pauses, viewers
from include.page.filters import RANGES, parse_filters
from include.sales.event import PLATAFORMAS, TIPOS_PAGO
from include.sales.market import load_market

MARKET = load_market()
OFFERED: dict[str, set[str]] = {
    "provincia": {row.provincia for row in MARKET.provinces},
    "categoria": {row.categoria for row in MARKET.categories},
    "pago": set(TIPOS_PAGO),
    "plataforma": set(PLATAFORMAS),
}


@pytest.mark.parametrize(
    "look",
    sorted({*VISITS, *viewers(50), *(Look("1h", filters) for filters in PROBES)}, key=str),
    ids=str,
)
def test_each_look_has_a_range_and_filter_values_of_the_page(look: Look) -> None:
    assert parse_filters(look.parameters).rango == look.rango
    for name, value in look.filters:
        assert value in OFFERED[name]


def test_viewers_have_different_filters_and_mostly_live_ranges() -> None:
    looks = viewers(50)
    assert len({look.filters for look in looks}) == len(looks) == 50
    assert Counter(look.rango for look in looks) == {
        "15m": 15,
        "1h": 25,
        "6h": 4,
        "24h": 4,
        "7d": 1,
        "30d": 1,
    }
    assert len({look.rango for look in viewers(10)}) > 1


def test_pauses_are_read_from_the_script_of_the_page(tmp_path: Path) -> None:
    assert pauses().looks.keys() == RANGES.keys()
    assert pauses().looks["1h"] == 1
    view = tmp_path / "live.js"
    view.write_text('const PAUSE = {"1h": 1500};\nconst FINDINGS_PAUSE = 20000;\n')
    assert pauses(view) == ({"1h": 1.5}, 20)
    view.write_text('const PAUSE = {"1h": 1500};\n')
    with pytest.raises(ValueError, match=r"live\.js must set PAUSE and FINDINGS_PAUSE"):
        pauses(view)
