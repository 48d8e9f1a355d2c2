"""Usual sales give no finding; rows that are missing or odd harm no other kind."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from commands.score.sales import Events
from include.page.findings.judge import judge
from include.page.findings.report import KINDS, Missing, Query, Report
from include.page.findings.rows import query_columns
from include.page.findings.rules.rule import LEVEL
from include.sales.local_time import epoch_ms
from tests.support.findings import NOW, refused
from tests.unit.page.findings.support import HOUR, add, looked, told


def test_usual_sales_give_no_finding(usual_sales: Events) -> None:
    looks = [looked(usual_sales, NOW + timedelta(hours=1) * n) for n in range(7)]
    assert [told(report) for report in looks] == [[]] * 7
    assert looks[0].missing == []
    assert (looks[0].sales or 0) > 2000
    assert sum(looks[0].tests.values()) > 2000
    assert looks[0].level == LEVEL


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
