"""Stores and platforms without sales are found, unless they are closed or nothing sells."""

from commands.score.sales import Events
from include.sales.local_time import epoch_ms
from tests.support.findings import NOW, of, silent
from tests.unit.page.findings.support import HOUR, looked, only, told


def test_silent_store_is_found_with_its_last_sale(usual_sales: Events) -> None:
    name = "Ramos Mejía"
    found = only(looked(silent(usual_sales, NOW - HOUR, store=name)))
    assert (found.kind, found.text, found.subject) == ("store", "since", {"sucursal": name})
    assert found.numbers["k"] == 0
    assert found.numbers["expected"] > 15
    assert 60 <= (epoch_ms(NOW) - found.numbers["last"]) / 60_000 < 90

    found = only(looked(silent(usual_sales, NOW - 4 * HOUR, store=name)))
    assert (found.text, found.numbers["last"]) == ("silent", 0)


def test_store_that_sells_again_gives_no_finding(usual_sales: Events) -> None:
    its = of(usual_sales, store="Ramos Mejía")
    paused = (usual_sales.ts >= epoch_ms(NOW - HOUR)) & (usual_sales.ts < epoch_ms(NOW - HOUR / 6))
    assert told(looked(usual_sales.only(~(its & paused)))) == []


def test_closed_store_gives_no_finding(usual_sales: Events) -> None:
    # 23:00 and 6:00 local time: most stores are closed.
    for now in (NOW - 13 * HOUR, NOW - 6 * HOUR):
        assert told(looked(usual_sales, now)) == []


def test_stopped_stream_gives_no_finding(usual_sales: Events) -> None:
    stopped = usual_sales.only(usual_sales.ts < epoch_ms(NOW - HOUR))
    assert told(looked(stopped)) == []
    report = looked(stopped, NOW + 3 * HOUR)
    assert (report.sales, report.findings) == (0, [])


def test_silent_platform_is_found(usual_sales: Events) -> None:
    report = looked(silent(usual_sales, NOW - HOUR / 2, platform="app"))
    assert ("store", "since", {"plataforma": "app"}) in told(report)
    assert report.findings[0].action == "platform"
