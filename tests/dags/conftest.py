"""The project's DAGs, parsed as Airflow does, with the project's plugin and without a database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow import plugins_manager, settings
from airflow.dag_processing.dagbag import DagBag

from include.stack.settings import ROOT


@pytest.fixture(scope="session", autouse=True)
def _plugins() -> Iterator[None]:
    """Register only the project's plugin in this process."""
    caches = (plugins_manager._get_plugins, plugins_manager.get_timetables_plugins)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "PLUGINS_FOLDER", str(ROOT / "plugins"))
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(scope="session")
def dags(_plugins: None) -> DagBag:
    return DagBag(dag_folder=ROOT / "dags")
