"""Usual sales give no finding; sales changed on purpose give one."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from commands.score.sales import Events
from include.page.findings.judge import KINDS, LEVEL, judge
from include.page.findings.report import Finding, Missing, Query, Report
from include.page.findings.rows import REFUNDED, query_columns
from include.sales.lifecycle import PENDING
from include.sales.local_time import epoch_ms
from tests.support.findings import NOW, discounted, multiplied, of, refused, silent

HOUR = timedelta(hours=1)


def looked(events: Events, now: datetime = NOW) -> Report:
    return judge(query_columns(events, now), now)


def told(report: Report) -> list[tuple[str, str, dict[str, str]]]:
    return [(found.kind, found.text, found.subject) for found in report.findings]


def only(report: Report) -> Finding:
    assert len(report.findings) == 1, told(report)
    return report.findings[0]


def test_usual_sales_give_no_finding(usual_sales: Events) -> None:
    looks = [looked(usual_sales, NOW + timedelta(hours=1) * n) for n in range(7)]
    assert [told(report) for report in looks] == [[]] * 7
    assert looks[0].missing == []
    assert (looks[0].sales or 0) > 2000
    assert sum(looks[0].tests.values()) > 2000
    assert looks[0].level == LEVEL


def test_fall_of_an_issuers_approval_is_found_with_its_cost(usual_sales: Events) -> None:
    events = refused(usual_sales, NOW - HOUR, 0.15, payment="credito", issuer="Visa")
    found = only(looked(events))
    assert (found.kind, found.text, found.severity) == ("approval", "issuer", "high")
    assert found.subject == {"pago": "credito", "emisor": "Visa"}
    numbers = found.numbers
    assert numbers["share"] == pytest.approx(numbers["usual"] - 0.15, abs=0.04)
    assert numbers["share"] < numbers["low"] < numbers["usual"] < numbers["high"]
    assert numbers["p"] < 1e-9
    assert numbers["windows"] == 30
    assert numbers["lost"] == pytest.approx(0.15 * numbers["n"], rel=0.3)
    assert 1e6 < numbers["lost_centavos"] / numbers["lost"] < 2e7


def test_fall_of_all_issuers_of_a_type_is_one_finding(usual_sales: Events) -> None:
    found = only(looked(refused(usual_sales, NOW - HOUR, 0.2, payment="credito")))
    assert (found.kind, found.text, found.subject) == ("approval", "type", {"pago": "credito"})


@pytest.mark.parametrize(("factor", "text", "severity"), [(5, "up", "info"), (0, "down", "medium")])
def test_rising_or_falling_product_is_found(
    usual_sales: Events, factor: int, text: str, severity: str
) -> None:
    name = "Yerba mate Playadito 1 kg"
    events = (
        multiplied(usual_sales, NOW - HOUR, factor, product=name)
        if factor
        else silent(usual_sales, NOW - HOUR, product=name)
    )
    found = only(looked(events))
    assert (found.kind, found.text, found.severity) == ("product", text, severity)
    assert found.subject == {"producto": name}
    assert not found.numbers["low"] <= found.numbers["share"] <= found.numbers["high"]


def test_product_with_six_sales_an_hour_is_found_when_they_are_eight_times_as_many(
    usual_sales: Events,
) -> None:
    name = rare(usual_sales, 6)
    found = only(looked(multiplied(usual_sales, NOW - HOUR, 8, product=name)))
    assert (found.kind, found.subject) == ("product", {"producto": name})


def rare(events: Events, sales: int) -> str:
    """Return a product that had this number of sales in the last hour."""
    last = (events.ts >= epoch_ms(NOW - HOUR)) & (events.ts < epoch_ms(NOW))
    for name in events.names["product"]:
        if int((last & (events.state == PENDING) & of(events, product=name)).sum()) == sales:
            return str(name)
    raise AssertionError("there is none")


def test_silent_store_is_found_with_its_last_sale(usual_sales: Events) -> None:
    name = "Ramos Mejía"
    found = only(looked(silent(usual_sales, NOW - HOUR, store=name)))
    assert (found.kind, found.text, found.subject) == ("store", "since", {"sucursal": name})
    assert found.numbers["k"] == 0
    assert found.numbers["expected"] > 15
    assert 60 <= (epoch_ms(NOW) - found.numbers["last"]) / 60_000 < 90

    found = only(looked(silent(usual_sales, NOW - 4 * HOUR, store=name)))
    assert (found.text, found.numbers["last"]) == ("silent", 0)


def test_store_that_sells_again_gives_no_finding(usual_sales: Events) -> None:
    its = of(usual_sales, store="Ramos Mejía")
    paused = (usual_sales.ts >= epoch_ms(NOW - HOUR)) & (usual_sales.ts < epoch_ms(NOW - HOUR / 6))
    assert told(looked(usual_sales.only(~(its & paused)))) == []


def test_closed_store_gives_no_finding(usual_sales: Events) -> None:
    # 23:00 and 6:00 local time: most stores are closed.
    for now in (NOW - 13 * HOUR, NOW - 6 * HOUR):
        assert told(looked(usual_sales, now)) == []


def test_stopped_stream_gives_no_finding(usual_sales: Events) -> None:
    stopped = usual_sales.only(usual_sales.ts < epoch_ms(NOW - HOUR))
    assert told(looked(stopped)) == []
    report = looked(stopped, NOW + 3 * HOUR)
    assert (report.sales, report.findings) == (0, [])


def test_rising_refunds_of_a_category_are_found(usual_sales: Events) -> None:
    name = "Calzado"
    found = only(looked(multiplied(usual_sales, NOW - 3 * HOUR, 25, REFUNDED, category=name)))
    assert (found.kind, found.text, found.severity) == ("returns", "reembolsada", "medium")
    assert found.subject == {"categoria": name}


def test_fall_of_a_whole_category_is_one_finding(usual_sales: Events) -> None:
    since = NOW - HOUR
    of_category = of(usual_sales, category="Lácteos")
    lost = of_category & (usual_sales.ts >= epoch_ms(since)) & (usual_sales.sale % 10 < 7)
    found = only(looked(usual_sales.only(~lost)))
    assert (found.kind, found.text, found.severity) == ("product", "category_down", "medium")
    assert (found.subject, found.query) == ({"categoria": "Lácteos"}, "categories")


def test_silent_platform_is_found(usual_sales: Events) -> None:
    report = looked(silent(usual_sales, NOW - HOUR / 2, platform="app"))
    assert ("store", "since", {"plataforma": "app"}) in told(report)
    assert report.findings[0].action == "platform"


def test_fewer_sales_in_all_are_found_with_their_cost(usual_sales: Events) -> None:
    lost = (usual_sales.ts >= epoch_ms(NOW - HOUR)) & (usual_sales.sale % 10 < 4)
    found = only(looked(usual_sales.only(~lost)))
    assert (found.kind, found.text, found.subject) == ("volume", "down", {})
    numbers = found.numbers
    assert numbers["share"] == pytest.approx(0.6, abs=0.05)
    assert (numbers["usual"], numbers["minutes"], numbers["windows"]) == (1, 60, 5)
    assert numbers["lost"] == pytest.approx(0.4 * numbers["n"], rel=0.15)
    assert 1e6 < numbers["lost_centavos"] / numbers["lost"] < 2e7


@pytest.mark.parametrize("after", [timedelta(minutes=30), timedelta(minutes=59)])
def test_stream_that_began_in_the_hour_or_stopped_has_no_fewer_sales(
    usual_sales: Events, after: timedelta
) -> None:
    stops = epoch_ms(NOW - HOUR + after)
    began = (usual_sales.ts < epoch_ms(NOW - 20 * HOUR)) | (usual_sales.ts >= stops)
    for kept in (usual_sales.ts < stops, began):
        assert told(looked(usual_sales.only(kept))) == []


def test_windows_pace_is_not_compared_with_that_of_the_back_fill(usual_sales: Events) -> None:
    today = usual_sales.ts >= epoch_ms(NOW - 4 * HOUR)
    halved = usual_sales._replace(filled=(~today).astype(int)).only(
        ~(today & (usual_sales.sale % 2 == 0))
    )
    assert looked(halved).missing == [Missing("volume", "pace")]


WALLET = {"payment": "qr", "issuer": "Mercado Pago"}


@pytest.mark.parametrize(("sales", "percent", "text"), [(1, 20, "same"), (2, 20, "more")])
def test_promotion_is_found_with_its_effect_on_sales(
    usual_sales: Events, sales: int, percent: int, text: str
) -> None:
    since = NOW - 3 * HOUR
    events = discounted(usual_sales, since, 0.6, percent, **WALLET)
    for state in range(2) if sales > 1 else ():
        events = multiplied(events, since, sales, state, **WALLET)
    found = next(it for it in looked(events).findings if it.kind == "promotion")
    assert (found.text, found.subject) == (text, {"pago": "qr", "emisor": "Mercado Pago"})
    numbers = found.numbers
    assert numbers["given_centavos"] > 0
    assert (numbers["sales_share"] > numbers["sales_high"]) == (sales > 1)
    assert numbers["income_share"] > numbers["income_most"] or text == "same"


def test_promotion_with_more_sales_and_less_revenue_is_a_medium_finding(
    usual_sales: Events,
) -> None:
    since = NOW - 3 * HOUR
    events = discounted(usual_sales, since, 1, 80, **WALLET)
    for state in range(2):
        events = multiplied(events, since, 2.5, state, **WALLET)
    found = next(it for it in looked(events).findings if it.kind == "promotion")
    assert (found.text, found.severity) == ("eaten", "medium")


def test_little_history_reports_the_missing_kinds(usual_sales: Events) -> None:
    def since(hours: int) -> Report:
        return looked(usual_sales.only(usual_sales.ts >= epoch_ms(NOW - hours * HOUR)))

    by_days = [Missing(kind, "kind") for kind in ("product", "store", "returns")]
    weekday, volume = Missing("promotion", "weekday"), Missing("volume", "kind")
    assert since(3).missing == [Missing("approval", "hours", 2, 3), *by_days, weekday, volume]
    assert since(4).missing == [*by_days, weekday, volume]
    # Yesterday's window is complete only with 27 hours of history.
    assert since(26).missing == [*by_days, weekday, volume]
    assert since(28).missing == [weekday]
    assert since(7 * 24 + 4).missing == []


def test_without_rows_every_kind_is_missing(usual_sales: Events) -> None:
    report = judge(query_columns(usual_sales.only([]), NOW), NOW)
    assert (report.sales, report.findings, report.tests) == (0, [], {})
    assert {it.kind for it in report.missing} == set(KINDS)


#: Which kinds need each query.
NEED: dict[Query, set[str]] = {
    "payments": set(KINDS),
    "products": {"product"},
    "stores": {"product", "store", "volume"},
    "categories": {"product", "returns"},
    "platforms": {"store"},
}


@pytest.mark.parametrize(("query", "kinds"), NEED.items())
@pytest.mark.parametrize("values", [None, {}, {"dia": 0, "hora": 0, "nombre": "x"}])
def test_missing_or_odd_rows_affect_only_the_kinds_of_their_query(
    usual_sales: Events,
    query: Query,
    kinds: set[str],
    values: dict[str, Any] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = query_columns(refused(usual_sales, NOW - HOUR, 0.2, payment="credito"), NOW)
    if values is None:
        del given[query]
    else:
        for name, column in given[query].items():
            column.append(values.get(name, "?"))
    report = judge(given, NOW)
    assert {(it.kind, it.reason) for it in report.missing} == {(kind, "error") for kind in kinds}
    assert set(report.tests) == set(KINDS) - kinds
    assert [found.kind for found in report.findings] == ["approval"] * ("approval" not in kinds)
    assert (report.sales is None) == (query == "stores")
    if values is not None:
        assert all(f"kind {kind!r} cannot be judged" in caplog.text for kind in kinds)


GOODS: tuple[Query, ...] = ("products", "stores", "categories", "platforms")

HOSTILE_PAYMENTS: list[dict[str, Any]] = [
    {"tipo_pago": "", "emisor": ""},
    {"tipo_pago": "credito", "emisor": "a\ud800b"},
    {"tipo_pago": ["qr", "qr"], "emisor": "x" * 100_000},
    {"tipo_pago": "__proto__", "emisor": "", "ingresos": 2**63 - 1, "descuentos": -(2**63)},
]


def add(columns: dict[str, list[Any]], row: dict[str, Any]) -> None:
    """Add a row to the columns; its other values are 0."""
    for name, column in columns.items():
        column.append(row.get(name, 0))


def test_hostile_rows_give_no_finding_and_no_error(usual_sales: Events) -> None:
    given = query_columns(usual_sales, NOW)
    for row in HOSTILE_PAYMENTS:
        for hour in (0, 10**9, -3):
            add(given["payments"], {"hora": hour, "ventas": 1, **row})
    for query in GOODS:
        for name in ("", "a\ud800b", ["x", "x"], "y" * 100_000):
            for day, last in ((0, None), (-5, 2**62), (10**8, 0)):
                add(given[query], {"nombre": name, "dia": day, "ventas_180": 1, "ultima": last})
    report = judge(given, NOW)
    assert (told(report), report.missing) == ([], [])
    msgspec.json.encode(report)


def test_product_that_a_record_repeats_has_a_share_of_one_at_most(
    usual_sales: Events,
) -> None:
    given = query_columns(usual_sales, NOW)
    often = dict.fromkeys(("ventas_15", "ventas_60", "ventas_180"), 10**7)
    add(given["products"], {"nombre": "Repetido", **often})
    report = judge(given, NOW)
    assert report.missing == []
    assert [found.subject for found in report.findings] == [{"producto": "Repetido"}]
    assert report.findings[0].numbers["share"] == 1
