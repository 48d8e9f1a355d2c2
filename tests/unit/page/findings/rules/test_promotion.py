"""Promotions are found, with their effect on sales and revenue."""

import pytest

from commands.score.sales import Events
from tests.support.findings import NOW, discounted, multiplied
from tests.unit.page.findings.support import HOUR, looked

WALLET = {"payment": "qr", "issuer": "Mercado Pago"}


@pytest.mark.parametrize(("sales", "percent", "text"), [(1, 20, "same"), (2, 20, "more")])
def test_promotion_is_found_with_its_effect_on_sales(
    usual_sales: Events, sales: int, percent: int, text: str
) -> None:
    since = NOW - 3 * HOUR
    events = discounted(usual_sales, since, 0.6, percent, **WALLET)
    for state in range(2) if sales > 1 else ():
        events = multiplied(events, since, sales, state, **WALLET)
    found = next(it for it in looked(events).findings if it.kind == "promotion")
    assert (found.text, found.subject) == (text, {"pago": "qr", "emisor": "Mercado Pago"})
    numbers = found.numbers
    assert numbers["given_centavos"] > 0
    assert (numbers["sales_share"] > numbers["sales_high"]) == (sales > 1)
    assert numbers["income_share"] > numbers["income_most"] or text == "same"


def test_promotion_with_more_sales_and_less_revenue_is_a_medium_finding(
    usual_sales: Events,
) -> None:
    since = NOW - 3 * HOUR
    events = discounted(usual_sales, since, 1, 80, **WALLET)
    for state in range(2):
        events = multiplied(events, since, 2.5, state, **WALLET)
    found = next(it for it in looked(events).findings if it.kind == "promotion")
    assert (found.text, found.severity) == ("eaten", "medium")
