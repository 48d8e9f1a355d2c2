"""Fewer sales in all are found, with their cost."""

from datetime import timedelta

import pytest

from commands.score.sales import Events
from include.page.findings.report import Missing
from include.sales.local_time import epoch_ms
from tests.support.findings import NOW
from tests.unit.page.findings.support import HOUR, looked, only, told


def test_fewer_sales_in_all_are_found_with_their_cost(usual_sales: Events) -> None:
    lost = (usual_sales.ts >= epoch_ms(NOW - HOUR)) & (usual_sales.sale % 10 < 4)
    found = only(looked(usual_sales.only(~lost)))
    assert (found.kind, found.text, found.subject) == ("volume", "down", {})
    numbers = found.numbers
    assert numbers["share"] == pytest.approx(0.6, abs=0.05)
    assert (numbers["usual"], numbers["minutes"], numbers["windows"]) == (1, 60, 5)
    assert numbers["lost"] == pytest.approx(0.4 * numbers["n"], rel=0.15)
    assert 1e6 < numbers["lost_centavos"] / numbers["lost"] < 2e7


@pytest.mark.parametrize("after", [timedelta(minutes=30), timedelta(minutes=59)])
def test_stream_that_began_in_the_hour_or_stopped_has_no_fewer_sales(
    usual_sales: Events, after: timedelta
) -> None:
    stops = epoch_ms(NOW - HOUR + after)
    began = (usual_sales.ts < epoch_ms(NOW - 20 * HOUR)) | (usual_sales.ts >= stops)
    for kept in (usual_sales.ts < stops, began):
        assert told(looked(usual_sales.only(kept))) == []


def test_windows_pace_is_not_compared_with_that_of_the_back_fill(usual_sales: Events) -> None:
    today = usual_sales.ts >= epoch_ms(NOW - 4 * HOUR)
    halved = usual_sales._replace(filled=(~today).astype(int)).only(
        ~(today & (usual_sales.sale % 2 == 0))
    )
    assert looked(halved).missing == [Missing("volume", "pace")]
