"""The housekeeping operator, against a small router."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from include.druid import client as druid_client
from include.druid.housekeeping import DELETION, compaction, retention_rules
from include.names import DATASOURCE
from tests.unit.druid.support import COMPACTION, COORDINATOR, RULES, Router
from ventas_airflow.operators.housekeeping import EnsureHousekeepingOperator

Context: Any = {}


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> EnsureHousekeepingOperator:
    monkeypatch.setattr(druid_client, "_RETRY", druid_client._RETRY.new(backoff_factor=0))
    return EnsureHousekeepingOperator(task_id="compactar")


def test_first_run_sets_what_is_missing_and_the_second_sets_nothing(
    router: Router, operator: EnsureHousekeepingOperator
) -> None:
    router.on("GET", f"{RULES}/{DATASOURCE}", (200, retention_rules()))
    router.on("GET", COORDINATOR, (200, dict(DELETION)))
    router.on("POST", COMPACTION, (200, b""))
    assert operator.execute(Context) == ["compaction"]
    router.on("GET", f"{COMPACTION}/{DATASOURCE}", (200, compaction(DATASOURCE)))
    assert operator.execute(Context) == []
    assert router.times("POST", COMPACTION) == 1


def test_refusal_of_druid_fails_the_task_with_its_message(
    router: Router, operator: EnsureHousekeepingOperator
) -> None:
    router.on("GET", f"{RULES}/{DATASOURCE}", (200, []))
    router.on("POST", COMPACTION, (500, {"error": "metadata store is away"}))
    with pytest.raises(AirflowException, match="metadata store is away"):
        operator.execute(Context)
