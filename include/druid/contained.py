"""Errors that concern all of Druid; any other error concerns one query or one part of an answer."""

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
"""Druid is away, slow or empty: the whole page says so. One value of one record may cause any other
error: the part of the page that needed the answer says so, and the other parts are shown."""
