"""A Compute Engine emulator on which Druid's VM runs, but without Druid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.stack.ports import free_ports
from tests.unit.plugins.validation.support import IN_ZONE, VM
from tests.unit.stack.compute.support import MemoryPower, eventually, serving, vm_body
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.preconditions import vm_is_off


@pytest.fixture
def vm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VentasComputeEngineHook]:
    """Hook of the running VM, with which a test can stop it."""
    with serving(MemoryPower(), tmp_path / "compute.json") as address:
        extra = {"api_endpoint": address, "is_anonymous": True, "num_retries": 0}
        connection = {"conn_type": "google_cloud_platform", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
        hook = VentasComputeEngineHook()
        hook.begin_insert(**IN_ZONE, body=vm_body())
        eventually(lambda: not vm_is_off(VM))
        yield hook


@pytest.fixture
def no_druid(monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a Druid that does not run, with Airflow's connections to it."""
    [port] = free_ports(1)
    router = {"conn_type": "druid", "host": "127.0.0.1", "port": port, "schema": "http"}
    broker = {**router, "extra": {"endpoint": "druid/v2/sql", "schema": "http"}}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(router))
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_BROKER_DEFAULT", json.dumps(broker))
    return f"127.0.0.1:{port}"
