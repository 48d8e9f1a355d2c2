"""Fixtures: ``pytest_plugins = ["tests.support.cloud.fixtures"]``, or import them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cloud.confluent import Confluent, confluent_cloud
from tests.support.cloud.google import Google, google_cloud


@pytest.fixture
def google() -> Iterator[Google]:
    """A new project of Google Cloud."""
    with google_cloud() as cloud:
        yield cloud


@pytest.fixture
def confluent() -> Iterator[Confluent]:
    """A new organization of Confluent Cloud."""
    with confluent_cloud() as cloud:
        yield cloud
