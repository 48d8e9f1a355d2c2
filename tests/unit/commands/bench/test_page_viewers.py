"""Simulated viewers of a fake page, and the summary of their looks."""

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from commands.bench import page_viewers
from commands.bench.page_looks import SPLITS, Look, Pauses
from commands.bench.page_viewers import (
    FAILED_SECONDS,
    Seen,
    at_findings,
    at_sales,
    by_range,
    crowd,
    explore,
    first_minutes,
    most_held,
    summary,
)
from include.page.explore.split import parse_split
from tests.support.http_server import Answer, Request, serving

PAUSES = Pauses({"1h": 0.05, "30d": 5.0}, findings=0.2)


class Page:
    """A fake page: knows one login, takes 20 ms, has data one second old, and fails for Salta."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.starting = 0
        """Number of requests that it still refuses, since its Druid starts."""

    def answer(self, request: Request) -> Answer:
        path = urlsplit(request.target)
        asked = parse_qs(path.query)
        self.asked.append((path.path, asked))
        if self.starting:
            self.starting -= 1
            return Answer(503, {})
        time.sleep(0.02)
        login = request.headers.get("Cookie", "")
        refused = "_token=secret" not in login or "Salta" in str(asked)
        return Answer(500 if refused else 200, {"end": (time.time() - 1) * 1000})


@pytest.fixture
def page() -> Iterator[Page]:
    found = Page()
    with serving(found.answer) as found.url:
        yield found


def test_viewers_look_as_often_as_the_page_does(page: Page) -> None:
    looks = [Look("1h"), Look("30d", (("provincia", "Córdoba"),))]
    seen = crowd(page.url, "secret", PAUSES, looks, seconds=1)
    often, seldom = ([one for one in at_sales(seen) if one.look == look] for look in looks)
    assert 2 <= len(often) <= 1 / 0.07 + 1
    assert [one.kind for one in seldom] == ["first"]
    assert [one.kind for one in often[:2]] == ["first", "again"]
    filtered = {"rango": ["30d"], "provincia": ["Córdoba"]}
    assert ("/ventas/api/live", filtered) in page.asked
    assert all(one.seconds >= 0.02 and one.age >= 1 for one in at_sales(seen))
    assert 1 <= page.asked.count(("/ventas/api/findings", filtered)) <= 1 / 0.22 + 1
    assert {one.age for one in at_findings(seen)} == {0}


def test_viewer_explores_each_split_with_each_range(page: Page) -> None:
    seen = explore(page.url, "secret", PAUSES)
    assert [path for path, _ in page.asked] == ["/ventas/api/explore"] * len(seen)
    asked = [parameters for _, parameters in page.asked]
    assert {"rango": ["30d"], "medida": ["ventas"], "por": ["categoria"]} in asked
    splits = [parse_split({name: value for name, [value] in one.items()}) for one in asked]
    assert len({*splits}) == len(splits) == 2 * len(SPLITS)


def test_first_minutes_begin_with_the_first_answer(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.starting = 1
    monkeypatch.setattr(page_viewers, "VISITS", (Look("1h"), Look("30d")))
    first, *seen = first_minutes(page.url, "secret", PAUSES, seconds=0.2)
    assert (first.failed, first.kind) == (False, "first")
    assert [one.look.rango for one in at_sales(seen) if one.kind == "first"] == ["1h", "30d"]


def test_first_minutes_end_with_an_error_without_an_answer(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.starting = 1000
    monkeypatch.setattr(page_viewers, "START_SECONDS", 0)
    with pytest.raises(TimeoutError, match="did not answer"):
        first_minutes(page.url, "secret", PAUSES, seconds=0.2)


def test_most_viewers_that_hold_the_target_have_no_failed_look() -> None:
    levels = [
        {"viewers": 10, "p95_ms": 399.0, "failed": 0},
        {"viewers": 20, "p95_ms": 400.0, "failed": 0},
        {"viewers": 50, "p95_ms": 300.0, "failed": 1},
        {"viewers": 100, "p95_ms": 401.0, "failed": 0},
    ]
    assert most_held(levels) == levels[1]
    assert most_held(levels[2:]) is None


def test_failed_look_counts_as_the_slowest(page: Page) -> None:
    seen, *_ = crowd(
        page.url, "secret", PAUSES, [Look("1h", (("provincia", "Salta"),))], seconds=0.2
    )
    assert (seen.failed, seen.seconds) == (True, FAILED_SECONDS)


def test_looks_are_summarised_by_range_filter_and_kind() -> None:
    plain, filtered = Look("1h"), Look("1h", (("pago", "qr"),))
    seen = [
        Seen(plain, "first", 0.3, 1.0),
        *(Seen(plain, "again", seconds, 0.5) for seconds in (0.1, 0.2)),
        Seen(filtered, "first", 0.4, 1.0, failed=True),
    ]
    assert summary(seen[1:3]) == {
        "looks": 2,
        "failed": 0,
        "p50_ms": 150.0,
        "p95_ms": 195.0,
        "p99_ms": 199.0,
        "max_ms": 200.0,
        "age_p95_s": 0.5,
    }
    found = [(row["filtered"], row["kind"], row["looks"], row["failed"]) for row in by_range(seen)]
    assert found == [(False, "first", 1, 0), (False, "again", 2, 0), (True, "first", 1, 1)]
