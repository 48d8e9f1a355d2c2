"""Deployments on the stand-ins of Google, Confluent and Druid."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.cloud import deploy
from tests.support.cloud.place import Place, place


@pytest.fixture
def empty() -> Iterator[Place]:
    """New accounts, in which nothing was made."""
    with place() as made:
        yield made


@pytest.fixture
def ready(empty: Place) -> Place:
    """A deployment that `up` made, with the VM and a tunnel."""
    deploy.up(empty.cloud())
    return empty
