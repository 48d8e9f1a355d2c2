"""The summary of the checks' results, with errors, warnings and missing results."""

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.druid import ledger
from include.druid.checks import CheckResult, evaluate, load_checks, skip
from tests.unit.plugins.validation.support import Pushed, execute
from ventas_airflow.operators.validation import SummarizeChecksOperator

CHECKS = {check.name: check for check in load_checks()}
GOOD = evaluate(CHECKS["duplicates"], {"ventas": 9, "duplicados": 0})
BAD = evaluate(CHECKS["duplicates"], {"ventas": 9, "duplicados": 3})
WARNING = evaluate(CHECKS["cadence"], {"pausas": 40, "pausa_media": 5.0})
SKIPPED = skip(CHECKS["freshness"], "no se esperan ventas")
EQUAL = ledger.result("ok", "minutos = 3")


def summarize(
    names: list[str] | None,
    results: list[CheckResult],
    ti: Pushed,
    compared: CheckResult | None = EQUAL,
) -> None:
    operator = SummarizeChecksOperator(
        task_id="summary",
        checks=names,
        results=[result.to_dict() for result in results],
        ledger=compared and compared.to_dict(),
    )
    execute(operator, ti)


def test_warnings_and_skipped_checks_pass() -> None:
    ti = Pushed()
    summarize(["duplicates", "cadence", "freshness"], [GOOD, WARNING, SKIPPED], ti)
    assert ti.value["totals"] == {"ok": 2, "warning": 1, "error": 0, "skipped": 1}
    assert [result["name"] for result in ti.value["results"]] == [
        "cadence",
        "duplicates",
        "freshness",
        "ledger",
    ]


def test_error_fails_with_the_numbers_after_the_xcom_is_stored() -> None:
    ti = Pushed()
    with pytest.raises(AirflowFailException) as error:
        summarize(["duplicates", "cadence"], [BAD, WARNING], ti)
    assert str(error.value) == "1 con error — Eventos duplicados: duplicados = 3, debe ser 0"
    assert ti.value["totals"] == {"ok": 1, "warning": 1, "error": 1, "skipped": 0}
    assert ti.value["results"][1]["numbers"] == {"ventas": 9, "duplicados": 3}


def test_check_without_a_result_is_an_error() -> None:
    ti = Pushed()
    with pytest.raises(AirflowFailException, match="Campos nulos: sin resultado"):
        summarize(["duplicates", "nulls"], [GOOD], ti)
    assert ti.value["totals"]["error"] == 1


@pytest.mark.parametrize("names", [None, []])
def test_summary_fails_without_any_check(names: list[str] | None) -> None:
    with pytest.raises(AirflowFailException, match="No se validó nada"):
        summarize(names, [], Pushed())


def test_missing_ledger_result_is_an_error() -> None:
    ti = Pushed()
    with pytest.raises(AirflowFailException, match="Druid igual al libro: sin resultado"):
        summarize(["duplicates"], [GOOD], ti, compared=None)
    assert ti.value["totals"] == {"ok": 1, "warning": 0, "error": 1, "skipped": 0}
