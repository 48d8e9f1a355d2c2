"""Which errors are of all that is asked of Druid, and which of one answer or part of it alone."""

from typing import Final

from include.druid.client import (
    DatasourceMissingError,
    DruidUnreachableError,
    QueryCanceledError,
    QueryTimeoutError,
)

OF_ALL: Final = (
    DatasourceMissingError,
    DruidUnreachableError,
    QueryCanceledError,
    QueryTimeoutError,
)
"""Druid is away, slow or empty, which the whole page tells. Any other error may come of one value
that a record has: the part of the page that it is for tells it, and the other parts are shown."""
