from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.druid.support import Router, serving


@pytest.fixture
def router() -> Iterator[Router]:
    with serving() as router:
        yield router
