"""Windows that sold less than their cadence promises, without false alarms by chance."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ventas_airflow.operators.publish import PublishSalesOperator
from ventas_airflow.shortfall import shortfall


def test_window_that_opened_late_has_a_shortfall() -> None:
    told = "La ventana cerró con 20000 ventas, y su cadencia promete unas 28800"
    assert shortfall(20_000, 12 * 3600, (1, 2)) == told


@pytest.mark.parametrize("seconds", [15, 60, 600, 43_200])
@pytest.mark.parametrize("gaps", [(1, 2), (0.01, 10), (5, 5)])
def test_random_gaps_cause_no_shortfall(seconds: float, gaps: tuple[float, float]) -> None:
    rng = np.random.default_rng(2026)
    for _ in range(200):
        sold = rng.uniform(*gaps, int(3 * seconds / sum(gaps)) + 50).cumsum()
        assert not shortfall(int((sold < seconds).sum()), seconds, gaps)


def operator(**arguments: Any) -> PublishSalesOperator:
    return PublishSalesOperator(
        task_id="publish", seed=1, minimum_gap=1, maximum_gap=2, **arguments
    )


def test_only_a_cadence_without_silences_has_a_shortfall() -> None:
    opened = datetime(2026, 11, 24, 12, tzinfo=UTC)
    closes = opened + timedelta(hours=1)
    assert "unas 2400" in operator()._lacking(9, closes, opened)
    assert "unas 40" in operator()._lacking(9, timedelta(minutes=1), opened)
    assert not operator(mode="curve")._lacking(9, closes, opened)
    assert not operator(silences_pct=10)._lacking(9, closes, opened)
