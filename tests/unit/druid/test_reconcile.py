"""Reconciliation of a run, against a model that counts copies one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.druid.client import DruidClient
from include.druid.reconcile import (
    druid_ids,
    garbled,
    reconcile,
    reconcile_sums,
    results_of_run,
)
from include.druid.row_stats import RowStats
from include.sales.sums import Cell, Sums
from tests.unit.druid.support import SQL, Router

#: Few ids, so that Kafka and Druid often have the same ones.
EVENTS = st.lists(st.sampled_from("abcdef"), max_size=12)


@given(kafka=EVENTS, druid=EVENTS, committed=st.integers(0, 12))
@example(kafka=["a", "b"], druid=["a", "a"], committed=2)
@example(kafka=["a", "a"], druid=["a", "a"], committed=2)
@example(kafka=["a"], druid=["b"], committed=1)
@example(kafka=[], druid=[], committed=0)
@example(kafka=["a", "b"], druid=["a", "b"], committed=3)
def test_run_agrees_only_if_kafka_and_druid_have_every_event_once(
    kafka: list[str], druid: list[str], committed: int
) -> None:
    found = reconcile("r", committed, Counter(kafka), Counter(druid))
    once = len(set(kafka)) == len(kafka)
    assert found.equal == (sorted(kafka) == sorted(druid) and once and committed == len(kafka))
    assert found.in_kafka == len(kafka)
    assert found.in_druid == len(druid)
    assert found.lost == sum(event not in druid for event in set(kafka))
    assert found.surplus == sum(event not in kafka for event in set(druid))
    assert found.duplicated == sum(
        kafka.count(event) > 1 or druid.count(event) > 1 for event in set(kafka + druid)
    )


def test_equal_counts_of_other_events_do_not_agree() -> None:
    """A comparison of only the three counts would call this a success."""
    found = reconcile("r", 2, {"a": 1, "b": 1}, {"a": 2})
    assert (found.committed, found.in_kafka, found.in_druid) == (2, 2, 2)
    assert not found.equal
    assert found.to_dict() == {
        "run": "r",
        "committed": 2,
        "in_kafka": 2,
        "in_druid": 2,
        "lost": 1,
        "duplicated": 1,
        "surplus": 0,
        "different_sums": 0,
        "malformed": None,
        "equal": False,
    }
    assert str(found) == (
        "2 confirmadas, 2 en Kafka, 2 en Druid; 1 perdidas, 1 duplicadas, 0 sobrantes, "
        "0 sumas distintas"
    )


@pytest.mark.parametrize(
    ("kafka", "druid", "repeated", "duplicated"),
    [
        ("aab", "aab", 1, 0),
        ("aabb", "aabb", 2, 0),
        ("ab", "ab", 1, 1),
        ("aabb", "aabb", 1, 1),
        ("aab", "abb", 1, 3),
        ("aaab", "aaab", 2, 3),
        ("aab", "ab", 1, 2),
    ],
)
def test_duplicates_agree_only_with_the_injected_ones(
    kafka: str, druid: str, repeated: int, duplicated: int
) -> None:
    found = reconcile("r", len(kafka), Counter(kafka), Counter(druid), repeated)
    assert found.duplicated == duplicated
    assert found.equal == (duplicated == 0)


FAULTS = {"truncado": 1, "sin_ts": 2, "codificacion": 3, "tipo_erroneo": 4, "importe_absurdo": 5}


@pytest.mark.parametrize(
    ("with_error", "unparseable", "in_kafka", "equal"),
    [(4, 6, 6, True), (4, 6, None, True), (4, 6, 7, False), (4, 5, 6, False), (5, 6, 6, False)],
)
def test_malformed_records_agree_only_with_equal_counts(
    with_error: int, unparseable: int, in_kafka: int | None, equal: bool
) -> None:
    found = garbled(FAULTS, RowStats(100, with_error, 0, unparseable), in_kafka)
    assert found
    assert found.equal == equal
    whole = replace(reconcile("r", 0, {}, {}), malformed=found)
    assert whole.equal == equal
    assert f"{unparseable} ilegibles de 6" in str(whole)
    assert whole.to_dict()["malformed"]["with_error_expected"] == 4


def test_druids_counts_are_not_judged_without_malformed_records() -> None:
    assert garbled({"duplicado": 3, "truncado": 0}, RowStats(1, 1, 1, 1), 9) is None


@pytest.fixture
def client(router: Router) -> DruidClient:
    return DruidClient(router.url)


def test_ids_are_queried_for_one_run_of_one_datasource(router: Router, client: DruidClient) -> None:
    router.on(
        "POST", SQL, (200, [{"id_evento": "a", "copies": 1}, {"id_evento": "b", "copies": 3}])
    )
    assert druid_ids(client, "ventas-x", "run '1'") == {"a": 1, "b": 3}
    body = router.asked[0].body
    assert 'FROM "ventas-x"' in body["query"]
    assert body["parameters"] == [{"type": "VARCHAR", "value": "run '1'"}]
    # COUNT(DISTINCT) is approximate and could hide a lost event.
    assert "DISTINCT" not in body["query"]


def test_results_have_totals_products_and_payments(router: Router, client: DruidClient) -> None:
    router.on(
        "POST",
        SQL,
        (200, [{"sales": 2}]),
        (200, [{"producto": "yerba"}]),
        (200, [{"tipo_pago": "qr"}]),
    )
    assert results_of_run(client, "ventas", "r") == {
        "sales": 2,
        "products": [{"producto": "yerba"}],
        "payments": [{"tipo_pago": "qr"}],
    }


CELLS = st.dictionaries(
    st.builds(Cell, st.just("r"), st.sampled_from(["m1", "m2"]), st.sampled_from("ab")),
    st.builds(Sums, st.integers(1, 3), st.just(0), st.integers(0, 2), st.just(0), st.just(0)),
)


@given(ledger=CELLS, druid=CELLS)
def test_sums_agree_only_if_ledger_and_druid_are_equal(
    ledger: dict[Cell, Sums], druid: dict[Cell, Sums]
) -> None:
    count = sum(sums.eventos for sums in ledger.values())
    found = reconcile_sums("r", count, ledger, druid)
    assert found.equal == (ledger == druid)
    assert found.in_kafka == count
    assert found.in_druid - found.in_kafka == found.surplus - found.lost


def test_equal_sums_do_not_agree_if_the_producer_confirmed_more() -> None:
    cells = {Cell("r", "m1", "a"): Sums(2, 0, 0, 0, 0)}
    assert reconcile_sums("r", 2, cells, cells).equal
    assert not reconcile_sums("r", 3, cells, cells).equal
