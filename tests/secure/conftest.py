"""A secured stack, as `VENTAS_SECURE=1` has it: `./ventas test` sets that for this suite."""

import pytest

from include.stack.settings import Settings
from tests.support.lab import Lab


@pytest.fixture(scope="session")
def lab(stack: Settings) -> Lab:
    assert stack.secure, "set VENTAS_SECURE=1, or run `./ventas test secure`"
    return Lab(stack)
