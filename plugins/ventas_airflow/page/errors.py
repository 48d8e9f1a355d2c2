"""How the page answers each error: the HTTP status, and the key of the text that explains it."""

from typing import Final, TypeVar

import msgspec
from fastapi import HTTPException

from include.druid.client import (
    DatasourceMissingError,
    DruidError,
    DruidUnreachableError,
    QueryCanceledError,
    QueryTimeoutError,
)
from include.stream.errors import StreamError
from include.texts import InputError
from ventas_airflow.page.fair_threads import BusyError
from ventas_airflow.page.services import UnknownNameError, ViewerLeftError

T = TypeVar("T")

UNEXPECTED: Final = "unexpected"
"""Key of the text for an error that is not in `ANSWERS`; such an error is logged."""

ANSWERS: Final[dict[type[Exception], tuple[int, str]]] = {
    DatasourceMissingError: (404, "empty"),
    DruidUnreachableError: (503, "unreachable"),
    QueryTimeoutError: (504, "slow"),
    QueryCanceledError: (409, "cancelled"),
    DruidError: (502, "refused"),
    StreamError: (503, "kafka"),
    BusyError: (429, "busy"),
    ViewerLeftError: (499, "left"),
    UnknownNameError: (404, "other"),
    InputError: (400, "input"),
}
"""Status and key by the kind of error; the most special kind of an error counts."""


def code_of(error: Exception) -> str:
    """Return the key of the text for an error."""
    return next((ANSWERS[kind][1] for kind in type(error).__mro__ if kind in ANSWERS), UNEXPECTED)


def decoded(body: bytes, kind: type[T]) -> T:
    """Return the content of a request's body; another body is answered with 422."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise HTTPException(422, str(error)) from error
