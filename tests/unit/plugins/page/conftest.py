"""The page's app without Airflow around it."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ventas_airflow.page.access import can_read, can_run
from ventas_airflow.page.app import create_app


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Nobody is logged in, and Druid is away."""
    away = {"conn_type": "druid", "host": "127.0.0.1", "port": 1, "schema": "http"}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(away))
    return create_app()


@pytest.fixture
def reader(app: FastAPI) -> TestClient:
    """One who may see the window's DAG."""
    app.dependency_overrides[can_read] = lambda: None
    return TestClient(app)


@pytest.fixture
def runner(app: FastAPI, reader: TestClient) -> TestClient:
    """One who may trigger it, too."""
    app.dependency_overrides[can_run] = lambda: None
    return reader
