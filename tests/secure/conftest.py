"""The secured stack of `VENTAS_SECURE=1`, which `./ventas test` sets for this suite."""

import pytest

from include.stack.settings import Settings
from tests.support.lab import Lab


@pytest.fixture(scope="session")
def lab(stack: Settings) -> Lab:
    assert stack.secure, "set VENTAS_SECURE=1, or run `./ventas test secure`"
    return Lab(stack)
