"""Products and categories that sell more or less are found."""

import pytest

from commands.score.sales import Events
from include.page.findings.judge import judge
from include.page.findings.rows import query_columns
from include.sales.lifecycle import PENDING
from include.sales.local_time import epoch_ms
from tests.support.findings import NOW, multiplied, of, silent
from tests.unit.page.findings.support import HOUR, add, looked, only


@pytest.mark.parametrize(("factor", "text", "severity"), [(5, "up", "info"), (0, "down", "medium")])
def test_rising_or_falling_product_is_found(
    usual_sales: Events, factor: int, text: str, severity: str
) -> None:
    name = "Yerba mate Playadito 1 kg"
    events = (
        multiplied(usual_sales, NOW - HOUR, factor, product=name)
        if factor
        else silent(usual_sales, NOW - HOUR, product=name)
    )
    found = only(looked(events))
    assert (found.kind, found.text, found.severity) == ("product", text, severity)
    assert found.subject == {"producto": name}
    assert not found.numbers["low"] <= found.numbers["share"] <= found.numbers["high"]


def test_product_with_six_sales_an_hour_is_found_when_they_are_eight_times_as_many(
    usual_sales: Events,
) -> None:
    name = rare(usual_sales, 6)
    found = only(looked(multiplied(usual_sales, NOW - HOUR, 8, product=name)))
    assert (found.kind, found.subject) == ("product", {"producto": name})


def rare(events: Events, sales: int) -> str:
    """Return a product that had this number of sales in the last hour."""
    last = (events.ts >= epoch_ms(NOW - HOUR)) & (events.ts < epoch_ms(NOW))
    for name in events.names["product"]:
        if int((last & (events.state == PENDING) & of(events, product=name)).sum()) == sales:
            return str(name)
    raise AssertionError("there is none")


def test_fall_of_a_whole_category_is_one_finding(usual_sales: Events) -> None:
    since = NOW - HOUR
    of_category = of(usual_sales, category="Lácteos")
    lost = of_category & (usual_sales.ts >= epoch_ms(since)) & (usual_sales.sale % 10 < 7)
    found = only(looked(usual_sales.only(~lost)))
    assert (found.kind, found.text, found.severity) == ("product", "category_down", "medium")
    assert (found.subject, found.query) == ({"categoria": "Lácteos"}, "categories")


def test_product_that_a_record_repeats_has_a_share_of_one_at_most(
    usual_sales: Events,
) -> None:
    given = query_columns(usual_sales, NOW)
    often = dict.fromkeys(("ventas_15", "ventas_60", "ventas_180"), 10**7)
    add(given["products"], {"nombre": "Repetido", **often})
    report = judge(given, NOW)
    assert report.missing == []
    assert [found.subject for found in report.findings] == [{"producto": "Repetido"}]
    assert report.findings[0].numbers["share"] == 1
