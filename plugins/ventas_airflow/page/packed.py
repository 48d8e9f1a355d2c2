"""JSON answers that are compressed once, in the thread that makes them.

Airflow's own compression would block the event loop of the API server, again for each viewer.
"""

import gzip
from typing import Any, Final, NewType

import msgspec
from fastapi import Request, Response

Packed = NewType("Packed", bytes)
"""A JSON text, compressed by gzip."""

_LEVEL: Final = 1
"""The fastest level: a look at 15 minutes has about 36 kB of JSON."""


def packed(found: Any) -> Packed:
    """Return an answer as compressed JSON."""
    return Packed(gzip.compress(msgspec.json.encode(found), _LEVEL, mtime=0))


def packed_response(request: Request, answer: Packed) -> Response:
    """Return the response with an answer, compressed if the viewer's browser accepts that."""
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(answer), headers=headers, media_type="application/json")
    headers["Content-Encoding"] = "gzip"
    return Response(answer, headers=headers, media_type="application/json")
