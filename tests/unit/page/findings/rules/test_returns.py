"""Refunds of a category that rise are found."""

from commands.score.sales import Events
from include.page.findings.rows import REFUNDED
from tests.support.findings import NOW, multiplied
from tests.unit.page.findings.support import HOUR, looked, only


def test_rising_refunds_of_a_category_are_found(usual_sales: Events) -> None:
    name = "Calzado"
    found = only(looked(multiplied(usual_sales, NOW - 3 * HOUR, 25, REFUNDED, category=name)))
    assert (found.kind, found.text, found.severity) == ("returns", "reembolsada", "medium")
    assert found.subject == {"categoria": name}
