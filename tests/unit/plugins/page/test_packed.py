"""Answers that are compressed once, for all viewers."""

from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from starlette.middleware.gzip import GZipMiddleware

from ventas_airflow.page.packed import packed, packed_response

FOUND = {"rows": [{"name": "Villa María", "sales": n} for n in range(100)]}


def client() -> TestClient:
    """Return a client of an app that compresses answers itself, as Airflow's does."""
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=1)
    answer = packed(FOUND)

    @app.get("/")
    def found(request: Request) -> Response:
        return packed_response(request, answer)

    return TestClient(app)


def test_answer_is_sent_as_it_was_compressed() -> None:
    answer = client().get("/", headers={"Accept-Encoding": "gzip, br"})
    assert answer.json() == FOUND
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(packed(FOUND)) < len(answer.content) / 5
    assert answer.headers["Content-Type"] == "application/json"


def test_program_that_cannot_decompress_gets_the_json_itself() -> None:
    answer = client().get("/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.json() == FOUND


def test_caches_on_the_way_keep_both_forms_apart() -> None:
    for accepted in ("gzip", "identity"):
        answer = client().get("/", headers={"Accept-Encoding": accepted})
        assert "Accept-Encoding" in answer.headers["Vary"]
