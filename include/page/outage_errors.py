"""Errors that concern Druid as a whole; any other error concerns one query or part of an answer."""

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
"""Errors that mean Druid is down, slow or empty: the whole page shows them.

A single value of a single record may cause any other error. Then only the part of the page that
needed the answer shows the error, and the other parts are shown as usual."""
