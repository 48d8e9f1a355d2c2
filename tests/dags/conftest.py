"""The project's DAGs, read as Airflow reads them: with the project's plugin, and no database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow import plugins_manager, settings
from airflow.dag_processing.dagbag import DagBag

from include.stack.settings import ROOT


@pytest.fixture(scope="session", autouse=True)
def _plugins() -> Iterator[None]:
    """Register the project's plugin, and only that, in this process."""
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
