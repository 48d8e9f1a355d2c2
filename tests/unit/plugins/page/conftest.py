"""Fixtures with the page's app, outside of Airflow."""

import asyncio
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ventas_airflow.page import findings
from ventas_airflow.page.access import can_read, can_run, viewer
from ventas_airflow.page.app import create_app
from ventas_airflow.page.services import Viewer


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The page's app without a logged-in user, Druid, and Airflow's database."""
    away = {"conn_type": "druid", "host": "127.0.0.1", "port": 1, "schema": "http"}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(away))
    monkeypatch.setattr(findings, "_last_end", lambda: None)
    return create_app()


async def stays() -> None:
    """Never return: the viewer keeps the connection open."""
    await asyncio.Event().wait()


@pytest.fixture
def reader(app: FastAPI) -> TestClient:
    """Client of a user who may see the window's DAG."""
    app.dependency_overrides[can_read] = lambda: None
    app.dependency_overrides[viewer] = lambda: Viewer("vera", stays)
    return TestClient(app)


@pytest.fixture
def runner(app: FastAPI, reader: TestClient) -> TestClient:
    """Client of a user who may also trigger the window's DAG."""
    app.dependency_overrides[can_run] = lambda: None
    return reader
