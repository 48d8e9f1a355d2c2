"""A fall of approvals is found, with its cost."""

import pytest

from commands.score.sales import Events
from tests.support.findings import NOW, refused
from tests.unit.page.findings.support import HOUR, looked, only


def test_fall_of_an_issuers_approval_is_found_with_its_cost(usual_sales: Events) -> None:
    events = refused(usual_sales, NOW - HOUR, 0.15, payment="credito", issuer="Visa")
    found = only(looked(events))
    assert (found.kind, found.text, found.severity) == ("approval", "issuer", "high")
    assert found.subject == {"pago": "credito", "emisor": "Visa"}
    numbers = found.numbers
    assert numbers["share"] == pytest.approx(numbers["usual"] - 0.15, abs=0.04)
    assert numbers["share"] < numbers["low"] < numbers["usual"] < numbers["high"]
    assert numbers["p"] < 1e-9
    assert numbers["windows"] == 30
    assert numbers["lost"] == pytest.approx(0.15 * numbers["n"], rel=0.3)
    assert 1e6 < numbers["lost_centavos"] / numbers["lost"] < 2e7


def test_fall_of_all_issuers_of_a_type_is_one_finding(usual_sales: Events) -> None:
    found = only(looked(refused(usual_sales, NOW - HOUR, 0.2, payment="credito")))
    assert (found.kind, found.text, found.subject) == ("approval", "type", {"pago": "credito"})
