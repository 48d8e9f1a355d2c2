"""«Qué hacer»: the report that the browser gets, and the texts for all its findings."""

import gzip
import itertools
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from fastapi.testclient import TestClient

from commands.score.sales import Events
from include.druid.client import DruidError
from include.page.filters import Filters, parse_filters
from include.page.findings.detection import detect
from include.page.findings.report import Finding, Report
from include.page.findings.rows import REFUNDED
from include.sales.lifecycle import PENDING
from include.sales.local_time import epoch_ms
from include.texts import languages, table
from tests.support.findings import NOW, SimulatedDruid, discounted, multiplied, refused, silent
from ventas_airflow.page import findings as module
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.fair_threads import FairThreads

HOUR = timedelta(hours=1)

MOVED = ("up", "down", "category_up", "category_down")

#: Texts and advised actions of each kind of finding.
SAID = {
    "approval": ({"type", "issuer"}, {"type", "issuer"}),
    "product": (set(MOVED), set(MOVED)),
    "store": ({"since", "silent"}, {"silent", "platform"}),
    "promotion": ({"more", "eaten", "same"}, {"more", "eaten", "same"}),
    "returns": ({"reembolsada", "contracargo"}, {"reembolsada", "contracargo"}),
    "volume": ({"down"}, {"down"}),
}
#: Values that the view adds to a finding's numbers.
ADDED = {"what", "low_n", "high_n", "chance"}


@pytest.fixture
def changed(usual_sales: Events) -> SimulatedDruid:
    """Sales with something unusual for each kind of finding."""
    wallet = {"payment": "qr", "issuer": "Mercado Pago"}
    events = refused(usual_sales, NOW - HOUR, 0.2, payment="credito", issuer="Visa")
    events = silent(events, NOW - HOUR, store="San Justo")
    events = multiplied(events, NOW - 3 * HOUR, 25, REFUNDED, category="Calzado")
    events = discounted(events, NOW - 3 * HOUR, 0.8, 20, **wallet)
    events = multiplied(events, NOW - HOUR, 6, PENDING, product="Yerba mate Playadito 1 kg")
    fewer = (events.ts >= epoch_ms(NOW - HOUR)) & (events.sale % 2 == 0)
    return SimulatedDruid(events.only(~fewer))


@pytest.fixture
def asked(
    reader: TestClient, changed: SimulatedDruid, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, Any]]:
    monkeypatch.setattr(module, "druid", lambda: changed)
    monkeypatch.setattr(module._windows, "before", lambda *_: None)
    monkeypatch.setattr(module, "_active", module._Active())
    monkeypatch.setattr(module, "_shared", AnswerCache(clock=lambda: 0.0))
    monkeypatch.setattr(module, "_ends", AnswerCache(clock=itertools.count(step=10).__next__))

    def ask(query: str) -> dict[str, Any]:
        with reader:
            answer = reader.get(f"/api/findings?{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return ask


AT_NOON = "hasta=2026-09-29T12:00:00-03:00"


def test_each_kind_of_finding_is_reported_with_numbers_filters_and_sql(
    asked: Callable[[str], dict[str, Any]],
) -> None:
    report = asked(AT_NOON)
    assert {found["kind"] for found in report["findings"]} == set(SAID)
    severities = [found["severity"] for found in report["findings"]]
    assert severities == sorted(severities, key=["high", "medium", "info"].index)
    for found in report["findings"]:
        assert set(found) == set(Finding.__annotations__)
        sql = report["queries"][found["query"]]
        assert sql["sql"].count("?") == len(sql["parameters"])
        texts, actions = SAID[found["kind"]]
        assert found["text"] in texts
        assert found["action"] in actions
        sentences = table("es")["page"]["findings"][found["kind"]][found["text"]]
        named = set(re.findall(r"\{(\w+)\}", " ".join(sentences.values())))
        assert named <= set(found["numbers"]) | ADDED


def test_report_is_shared_by_requests_for_the_same_sales(
    asked: Callable[[str], dict[str, Any]], changed: SimulatedDruid
) -> None:
    first = asked(AT_NOON)
    assert asked(f"{AT_NOON}&rango=7d") == first
    assert len(changed.asked) == 5
    asked(f"{AT_NOON}&provincia=Salta")
    assert len(changed.asked) == 10


def test_end_of_a_back_fill_begins_a_new_report(
    asked: Callable[[str], dict[str, Any]],
    changed: SimulatedDruid,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked(AT_NOON)
    monkeypatch.setattr(module, "_last_end", lambda: NOW)
    asked(AT_NOON)
    assert len(changed.asked) == 10


def look(query: str, filled: datetime | None = None) -> Any:
    return module._Look(parse_filters(dict(parse_qsl(query))), filled)


class Crowd:
    """Viewers of a Druid that answers only once all of them wait."""

    def __init__(self, druid: SimulatedDruid, monkeypatch: pytest.MonkeyPatch) -> None:
        self.druid = druid
        self.judging = FairThreads(1, "test")
        self.together: list[list[Filters]] = []
        self.refused = False
        self.now = 1_000.0
        self.active = module._Active(clock=lambda: self.now)
        self._all_wait = threading.Event()
        monkeypatch.setattr(module, "judging", self.judging)
        monkeypatch.setattr(module, "_active", self.active)
        monkeypatch.setattr(module, "druid", self._druid)
        monkeypatch.setattr(module._windows, "before", lambda *_: None)
        monkeypatch.setattr(module, "detect_together", self._detect_together)

    def _druid(self) -> SimulatedDruid:
        assert self._all_wait.wait(60)
        return self.druid

    def _detect_together(
        self, druid: Any, datasource: str, looks: list[Filters], now: datetime
    ) -> list[Report]:
        self.together.append(looks)
        if self.refused:
            raise DruidError("no")
        return [detect(druid, datasource, look, now) for look in looks]

    def ask(self, *queries: str) -> list[Any]:
        """Return the bodies or errors of looks that wait at the same time."""
        looks = [look(query) for query in queries]
        asked = [self.judging.submit("vera", look) for look in looks]
        self._all_wait.set()
        return [msgspec.json.decode(gzip.decompress(future.result(60))) for future in asked]


@pytest.fixture
def crowd(usual_sales: Events, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(SimulatedDruid(usual_sales), monkeypatch)


def named(looks: list[list[Filters]]) -> list[list[str]]:
    return [[value for look in some for _, value in look.values] for some in looks]


def test_waiting_looks_with_the_same_filter_names_are_made_together(crowd: Crowd) -> None:
    reports = crowd.ask(
        *("pago=qr", "provincia=Salta", "provincia=Chaco", "pago=debito"),
        *("provincia=Salta&pago=qr", "provincia=Jujuy", f"provincia=Salta&{AT_NOON}"),
    )
    assert named(crowd.together) == [["qr", "debito"], ["Salta", "Chaco", "Jujuy"]]
    values = [report["queries"]["stores"]["parameters"][-1] for report in reports[:4]]
    assert values == ["qr", "Salta", "Chaco", "debito"]
    assert reports[6]["end"] == epoch_ms(NOW) != reports[1]["end"]


def test_a_report_has_a_bounded_number_of_others_with_it(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TOGETHER", 2)
    crowd.ask("pago=qr", "pago=debito", "pago=credito", "pago=billetera")
    assert named(crowd.together) == [["qr", "debito"], ["credito", "billetera"]]


def test_reports_of_viewers_with_the_page_open_are_made_ahead(crowd: Crowd) -> None:
    for query in ("provincia=Salta", "provincia=Chaco", "pago=qr"):
        crowd.active.note(look(query))
    crowd.ask("provincia=Jujuy")
    crowd.now += module.AHEAD_SECONDS
    crowd.ask("provincia=Salta", "provincia=Chaco")
    assert named(crowd.together) == [["Jujuy", "Salta", "Chaco"]]


def test_report_that_was_made_ahead_is_too_old_after_a_minute(crowd: Crowd) -> None:
    crowd.active.note(look("provincia=Salta"))
    crowd.ask("provincia=Jujuy")
    crowd.now += module.AHEAD_SECONDS + 1
    crowd.ask("provincia=Salta")
    assert named(crowd.together) == [["Jujuy", "Salta"]]
    assert crowd.druid.asked[-1][-1] == "Salta"


def test_reports_are_not_made_ahead_for_viewers_who_left(crowd: Crowd) -> None:
    crowd.active.note(look("provincia=Salta"))
    crowd.now += module.ACTIVE_SECONDS + 1
    crowd.active.note(look("provincia=Chaco"))
    crowd.ask("provincia=Jujuy")
    assert named(crowd.together) == [["Jujuy", "Chaco"]]


def test_a_bounded_number_of_looks_is_remembered(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    looks = [look(f"provincia={name}") for name in ("Salta", "Chaco", "Jujuy")]
    for one in looks:
        crowd.active.note(one)
    assert crowd.active.due(looks[0].kind) == looks[1:]


def test_report_from_before_a_back_fill_is_not_used_after_it(crowd: Crowd) -> None:
    crowd.active.note(look("provincia=Salta"))
    crowd.ask("provincia=Jujuy")
    assert crowd.active.made(look("provincia=Salta"))
    assert crowd.active.made(look("provincia=Salta", NOW)) is None


def test_refused_query_of_looks_together_is_sent_for_each_look(crowd: Crowd) -> None:
    crowd.refused = True
    reports = crowd.ask(f"pago=qr&{AT_NOON}", f"pago=debito&{AT_NOON}")
    assert [report["missing"] for report in reports] == [[], []]
    assert len(crowd.druid.asked) == 10


def test_waiting_looks_are_made_from_the_same_events_in_memory(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = []

    def events(now: datetime, _filled: datetime | None) -> Any:
        moments.append(now)
        assert crowd._all_wait.wait(60)
        return moments

    def detect_in_memory(found: Any, _datasource: str, look: Filters, now: datetime) -> Any:
        assert found is moments
        return {"filters": look.values, "now": now}

    monkeypatch.setattr(module._windows, "before", events)
    monkeypatch.setattr(module, "detect_in_memory", detect_in_memory)
    reports = crowd.ask("pago=qr", "provincia=Salta", f"provincia=Chaco&{AT_NOON}", "")
    assert len(moments) == 1
    assert [report["filters"] for report in (*reports[:2], reports[3])] == [
        [["pago", "qr"]],
        [["provincia", "Salta"]],
        [],
    ]
    # The events in memory are those until now.
    assert reports[2]["end"] == epoch_ms(NOW)


def test_reports_let_the_other_views_go_first(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Looks:
        """The views' threads: busy when they are asked for the first two times."""

        def is_busy(self) -> bool:
            said.append("busy" if len(said) < 2 else "free")
            return said[-1] == "busy"

    def detect_in_memory(*_: Any) -> Any:
        said.append("report")
        return {}

    monkeypatch.setattr(module, "looks", Looks())
    monkeypatch.setattr(module._windows, "before", lambda *_: "windows")
    monkeypatch.setattr(module, "detect_in_memory", detect_in_memory)
    crowd.ask("pago=qr")
    assert said == ["busy", "busy", "free", "report"]


def test_unknown_filter_answers_400(reader: TestClient) -> None:
    answer = reader.get("/api/findings?tienda=x")
    assert (answer.status_code, answer.json()["code"]) == (400, "input")


def test_unreachable_druid_answers_503(reader: TestClient) -> None:
    answer = reader.get("/api/findings?provincia=Chaco")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")


@pytest.mark.parametrize("language", languages())
def test_texts_cover_exactly_the_findings(language: str) -> None:
    texts = table(language)["page"]["findings"]
    for kind, (said, actions) in SAID.items():
        assert set(texts[kind]) == {*said, "action"}
        assert set(texts[kind]["action"]) == actions
        assert all(set(texts[kind][text]) == {"title", "body"} for text in said)
    assert set(texts["kinds"]) == set(SAID)
    assert set(texts["reasons"]) == {"hours", "kind", "calendar", "pace", "weekday"}
    assert set(texts["severity"]) == {"high", "medium", "info"}
