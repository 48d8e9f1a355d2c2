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


@given(kafka=EVENTS, druid=EVENTS, confirmadas=st.integers(0, 12))
@example(kafka=["a", "b"], druid=["a", "a"], confirmadas=2)
@example(kafka=["a", "a"], druid=["a", "a"], confirmadas=2)
@example(kafka=["a"], druid=["b"], confirmadas=1)
@example(kafka=[], druid=[], confirmadas=0)
@example(kafka=["a", "b"], druid=["a", "b"], confirmadas=3)
def test_run_agrees_only_if_kafka_and_druid_have_every_event_once(
    kafka: list[str], druid: list[str], confirmadas: int
) -> None:
    found = reconcile("r", confirmadas, Counter(kafka), Counter(druid))
    once = len(set(kafka)) == len(kafka)
    assert found.agrees == (sorted(kafka) == sorted(druid) and once and confirmadas == len(kafka))
    assert found.en_kafka == len(kafka)
    assert found.en_druid == len(druid)
    assert found.perdidas == sum(event not in druid for event in set(kafka))
    assert found.sobrantes == sum(event not in kafka for event in set(druid))
    assert found.duplicadas == sum(
        kafka.count(event) > 1 or druid.count(event) > 1 for event in set(kafka + druid)
    )


def test_equal_counts_of_other_events_do_not_agree() -> None:
    """A comparison of only the three counts would call this a success."""
    found = reconcile("r", 2, {"a": 1, "b": 1}, {"a": 2})
    assert (found.confirmadas, found.en_kafka, found.en_druid) == (2, 2, 2)
    assert not found.agrees
    assert found.to_dict() == {
        "corrida": "r",
        "confirmadas": 2,
        "en_kafka": 2,
        "en_druid": 2,
        "perdidas": 1,
        "duplicadas": 1,
        "sobrantes": 0,
        "distintas": 0,
        "malformados": None,
        "coinciden": False,
    }
    assert str(found) == (
        "2 confirmadas, 2 en Kafka, 2 en Druid; 1 perdidas, 1 duplicadas, 0 sobrantes, "
        "0 sumas distintas"
    )


@pytest.mark.parametrize(
    ("kafka", "druid", "repeated", "duplicadas"),
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
    kafka: str, druid: str, repeated: int, duplicadas: int
) -> None:
    found = reconcile("r", len(kafka), Counter(kafka), Counter(druid), repeated)
    assert found.duplicadas == duplicadas
    assert found.agrees == (duplicadas == 0)


FAULTS = {"truncado": 1, "sin_ts": 2, "codificacion": 3, "tipo_erroneo": 4, "importe_absurdo": 5}


@pytest.mark.parametrize(
    ("con_error", "ilegibles", "en_kafka", "agrees"),
    [(4, 6, 6, True), (4, 6, None, True), (4, 6, 7, False), (4, 5, 6, False), (5, 6, 6, False)],
)
def test_malformed_records_agree_only_with_equal_counts(
    con_error: int, ilegibles: int, en_kafka: int | None, agrees: bool
) -> None:
    found = garbled(FAULTS, RowStats(100, con_error, 0, ilegibles), en_kafka)
    assert found
    assert found.agrees == agrees
    whole = replace(reconcile("r", 0, {}, {}), malformados=found)
    assert whole.agrees == agrees
    assert f"{ilegibles} ilegibles de 6" in str(whole)
    assert whole.to_dict()["malformados"]["con_error_esperadas"] == 4


def test_druids_counts_are_not_judged_without_malformed_records() -> None:
    assert garbled({"duplicado": 3, "truncado": 0}, RowStats(1, 1, 1, 1), 9) is None


@pytest.fixture
def client(router: Router) -> DruidClient:
    return DruidClient(router.url)


def test_ids_are_queried_for_one_run_of_one_datasource(router: Router, client: DruidClient) -> None:
    router.on("POST", SQL, (200, [{"id_evento": "a", "veces": 1}, {"id_evento": "b", "veces": 3}]))
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
        (200, [{"ventas": 2}]),
        (200, [{"producto": "yerba"}]),
        (200, [{"tipo_pago": "qr"}]),
    )
    assert results_of_run(client, "ventas", "r") == {
        "ventas": 2,
        "productos": [{"producto": "yerba"}],
        "pagos": [{"tipo_pago": "qr"}],
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
    assert found.agrees == (ledger == druid)
    assert found.en_kafka == count
    assert found.en_druid - found.en_kafka == found.sobrantes - found.perdidas


def test_equal_sums_do_not_agree_if_the_producer_confirmed_more() -> None:
    cells = {Cell("r", "m1", "a"): Sums(2, 0, 0, 0, 0)}
    assert reconcile_sums("r", 2, cells, cells).agrees
    assert not reconcile_sums("r", 3, cells, cells).agrees
