"""Check files: parsing, judging of rows, and agreement of their SQL with the event's schema."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from include.druid.check_file import Bound, Check
from include.druid.checks import CheckResult, evaluate, fail, load_checks, skip, table, totals
from include.druid.front_matter import SqlFileError
from include.names import MAXIMUM_GAP, MINIMUM_GAP
from include.sales.content import SaleSource
from include.sales.event import FIELDS, json_schema
from include.sales.market import load_market

GOOD = """\
-- severity: warning
-- when: window_open
-- timeout: 5
-- needs: [{column: ventas, minimum: 30}]
-- bounds:
--   - {column: malas, minimum: 0, maximum: 0}
--   - {column: peores, minimum: 0, maximum: 0}
--   - {column: porcentaje, minimum: -1.5, maximum: 99.5}
SELECT 1 AS ventas, 0 AS malas, 0 AS peores, 50 AS porcentaje
-- 100 % of it
FROM "{datasource}" WHERE m > {lookback_minutes}
"""
CHECKS = {check.name: check for check in load_checks()}
FIELD_NAMES = [field.name for field in FIELDS if field.name != "ts"]

Load = Callable[..., list[Check]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that writes files, given by name, and loads their folder."""

    def load_files(**files: str) -> list[Check]:
        for name, text in files.items():
            (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8")
        return load_checks(tmp_path)

    return load_files


def test_file_is_parsed_into_a_check(load: Load) -> None:
    (check,) = load(prueba=GOOD)
    assert check == Check(
        name="prueba",
        severity="warning",
        bounds=(Bound("malas", 0, 0), Bound("peores", 0, 0), Bound("porcentaje", -1.5, 99.5)),
        needs=(Bound("ventas", 30, None),),
        when="window_open",
        timeout=5,
        source="sql",
        sql=GOOD[GOOD.index("SELECT") :].strip(),
    )


def test_statement_has_look_back_as_parameters(load: Load) -> None:
    text = GOOD + "  OR n > {lookback_minutes}"
    (check,) = load(prueba=text)
    statement, parameters = check.statement("ventas", 15)
    assert parameters == [15, 15]
    assert statement.endswith('-- 100 % of it\nFROM "ventas" WHERE m > ?\n  OR n > ?')


def test_optional_keys_have_defaults(load: Load) -> None:
    optional = ("-- when", "-- timeout", "-- needs")
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(optional))
    (check,) = load(prueba=text)
    assert (check.when, check.timeout, check.needs) == ("always", 30, ())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("timeout: 5", "titulo: Prueba", "a.sql:3: Object contains unknown field `titulo`"),
        ("-- severity: warning\n", "", "a.sql:1: Object missing required field `severity`"),
        ("timeout: 5", "name: prueba", "a.sql:1: the header has the key name"),
        (GOOD, "SELECT 1", "a.sql:1: the file does not begin with '-- key: value'"),
        ("timeout: 5", "timeout: cinco: mal", "a.sql:3: the header is not YAML: mapping values"),
        ("severity: warning", "severity: grave", "a.sql:1: Invalid enum value 'grave' - at `$.s"),
        ("when: window_open", "when: nunca", "a.sql:2: Invalid enum value 'nunca' - at `$.when`"),
        ("when: window_open", "timeout: 6", "a.sql:3: the header is not YAML: timeout is given tw"),
        ("timeout: 5", "timeout: 5s", "a.sql:3: Expected `int`, got `str` - at `$.timeout`"),
        ("timeout: 5", "timeout: 601", "a.sql:3: Expected `int` <= 600 - at `$.timeout`"),
        ("minimum: 30", "minimo: 30", "a.sql:4: Object contains unknown field `minimo` - at `$.n"),
        (", minimum: 30", "", "a.sql:4: ventas has neither a minimum nor a maximum - at `$.needs"),
        ("minimum: -1.5", "minimum: 100", "a.sql:5: porcentaje has a minimum above its maximum"),
        ("column: malas", "column: otras", "a.sql:1: the SQL has no column otras"),
        ("when: window_open", "faults: {malas: [plaga]}", "a.sql:1: there is no fault 'plaga'"),
        ("when: window_open", "faults: [malas]", "a.sql:2: Expected `object`, got `array` - at"),
        ("when: window_open", "faults: {otras: [tardio]}", "a.sql:1: faults: otras has no maxim"),
        ("when: window_open", "without: [plaga]", "a.sql:1: there is no fault 'plaga'"),
        ("when: window_open", "source: supervisor", "a.sql:1: a check with source supervisor has"),
        (GOOD[GOOD.index("SELECT") :], "", "a.sql:1: there is no SQL"),
    ],
)
def test_mistake_is_reported_with_file_and_line(
    load: Load, old: str, new: str, problem: str
) -> None:
    assert old in GOOD
    with pytest.raises(SqlFileError) as error:
        load(a=GOOD.replace(old, new))
    assert str(error.value).startswith(problem)


def test_mistakes_of_all_files_are_reported_together(load: Load) -> None:
    broken = GOOD.replace("severity: warning", "severity: grave")
    with pytest.raises(SqlFileError) as error:
        load(a=broken, b=GOOD, c="SELECT 1")
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        "a.sql:1",
        "c.sql:1",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"-- severity: \xff\n", "1: the file is not UTF-8"),
        (b"-- timeout: " + b"9" * 5000 + b"\n", "1: Integer value out of range"),
    ],
)
def test_binary_file_or_endless_number_is_reported(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "odd.sql").write_bytes(content)
    with pytest.raises(SqlFileError, match=f"odd.sql:{message}"):
        load_checks(tmp_path)


def test_folder_without_checks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SqlFileError, match="there is no"):
        load_checks(tmp_path)


def test_query_accepts_only_a_valid_datasource_name(load: Load) -> None:
    (check,) = load(prueba=GOOD)
    assert 'FROM "ventas-x1"' in check.statement("ventas-x1", 15)[0]
    with pytest.raises(ValueError, match="A datasource cannot have the name"):
        check.statement('ventas" --', 15)


def checked(*bounds: Bound, severity: Any = "error", needs: tuple[Bound, ...] = ()) -> Check:
    return Check("duplicates", severity, bounds, needs, source="supervisor")


@given(
    st.one_of(st.integers(), st.floats(allow_nan=False)),
    st.one_of(st.none(), st.floats(allow_nan=False)),
    st.one_of(st.none(), st.floats(allow_nan=False)),
)
def test_number_is_ok_only_within_its_bounds(
    value: float, minimum: float | None, maximum: float | None
) -> None:
    assume((minimum, maximum) != (None, None))
    assume(minimum is None or maximum is None or minimum <= maximum)
    result = evaluate(checked(Bound("x", minimum, maximum)), {"x": value})
    too_low = minimum is not None and value < minimum
    too_high = maximum is not None and value > maximum
    assert result.status == ("error" if too_low or too_high else "ok")
    assert result.numbers == {"x": value}


def test_injected_faults_raise_the_maximum_by_their_count(load: Load) -> None:
    text = GOOD.replace(
        "when: window_open",
        "faults: {malas: [duplicado, tardio], peores: [duplicado, tardio]}",
    )
    (check,) = load(duplicates=text)
    row = {"ventas": 30, "malas": 5, "peores": 0, "porcentaje": 1}
    for faults, status in (
        ({"duplicado": 3, "tardio": 2}, "ok"),
        ({"duplicado": 4, "silencio": 9}, "warning"),
        ({}, "warning"),
    ):
        assert evaluate(check, row, faults).status == status
    message = evaluate(check, row, {"duplicado": 4}).message
    assert message == "malas = 5, debe ser entre 0 y 4"


def test_missing_numbers_are_an_error_but_for_the_sales_that_incidents_prevented() -> None:
    [check] = [check for check in load_checks() if check.name == "sequence_gaps"]
    row = {"corridas": 1, "ventas": 30, "faltantes": 3}
    statuses = [evaluate(check, row, {"omitida": count}).status for count in (0, 2, 3)]
    assert statuses == ["error", "error", "ok"]


def test_failed_check_is_skipped_if_injected_faults_disturb_it(load: Load) -> None:
    (check,) = load(duplicates=GOOD.replace("when: window_open", "without: [tardio, silencio]"))
    assert check.without == ("tardio", "silencio")
    row = {"ventas": 30, "malas": 5, "peores": 0, "porcentaje": 1}
    found = evaluate(check, row, {"tardio": 2, "duplicado": 7})
    assert found.status == "skipped"
    assert found.message == "no se juzga con fallas a propósito: tardio = 2"
    assert evaluate(check, row, {"tardio": 0}).status == "warning"
    assert evaluate(check, {**row, "malas": 0}, {"tardio": 2}).status == "ok"


@pytest.mark.parametrize("row", [None, {}, {"x": None}, {"x": float("nan")}, {"x": "NaN"}])
def test_missing_number_holds_no_bound(row: Mapping[str, Any] | None) -> None:
    assert evaluate(checked(Bound("x", None, 60)), row).status == "error"
    enough = (Bound("x", 1, None),)
    assert evaluate(checked(Bound("x", None, 60), needs=enough), row).status == "skipped"


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(-1, 1)), st.sampled_from("abcd"))
def test_violated_check_has_its_own_severity(row: dict[str, int], column: str) -> None:
    statuses = {
        severity: evaluate(checked(Bound(column, 0, 0), severity=severity), row).status
        for severity in ("error", "warning")
    }
    bad = row.get(column) != 0
    assert statuses == {s: s if bad else "ok" for s in ("error", "warning")}


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [
        (Bound("duplicados", 0, 0), 3, "duplicados = 3, debe ser 0"),
        (Bound("atraso", None, 60), 61.25, "atraso = 61,25, debe ser como máximo 60"),
        (Bound("atraso", None, 60), None, "atraso = sin valor, debe ser como máximo 60"),
        (Bound("ventas", 1, None), 0, "ventas = 0, debe ser al menos 1"),
        (Bound("media", 0.95, 2.1), 2.5, "media = 2,5, debe ser entre 0,95 y 2,1"),
    ],
)
def test_message_has_the_number_and_the_bound(
    bound: Bound, value: float | None, message: str
) -> None:
    assert evaluate(checked(bound), {bound.column: value}).message == message


def test_result_follows_the_language_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    found = evaluate(checked(Bound("x", 0.95, 2.1)), {"x": 2.5})
    assert found.title == "Duplicate events"
    assert found.message == "x = 2.5, must be between 0.95 and 2.1"
    assert table([found]) == "✗ error    Duplicate events  x = 2.5, must be between 0.95 and 2.1"


def test_message_names_only_the_violated_bounds() -> None:
    check = checked(Bound("a", 0, 0), Bound("b", 0, 0), Bound("c", 0, 0))
    result = evaluate(check, {"ventas": 9, "a": 1, "b": 0, "c": 2})
    assert result.message == "a = 1, debe ser 0; c = 2, debe ser 0"


def test_check_with_too_few_sales_is_skipped_with_the_reason() -> None:
    check = checked(Bound("x", 0, 0), needs=(Bound("ventas", 200, None),))
    result = evaluate(check, {"ventas": 40, "x": 5})
    assert result.status == "skipped"
    assert result.message == "sin datos suficientes: ventas = 40, hace falta al menos 200"


def test_table_lists_the_worst_results_first() -> None:
    bad, good = checked(Bound("x", 0, 0)), checked(Bound("x", 0, 9), severity="warning")
    results: list[CheckResult] = [
        evaluate(good, {"x": 3}),
        skip(good, "no se esperan ventas"),
        evaluate(bad, {"x": 3}),
        evaluate(checked(Bound("x", 0, 1), severity="warning"), {"x": 3}),
        fail(good, "la consulta falló"),
    ]
    assert totals(results) == {"ok": 1, "warning": 1, "error": 2, "skipped": 1}
    assert table(results).splitlines() == [
        "✗ error        Eventos duplicados  x = 3, debe ser 0",
        "✗ error        Eventos duplicados  la consulta falló",
        "! advertencia  Eventos duplicados  x = 3, debe ser entre 0 y 1",
        "✓ bien         Eventos duplicados  x = 3",
        "- omitida      Eventos duplicados  no se esperan ventas",
    ]


def test_nulls_of_every_field_are_counted() -> None:
    check = CHECKS["nulls"]
    assert [bound.column for bound in check.bounds] == FIELD_NAMES
    for name in FIELD_NAMES:
        assert f"COUNT(*) - COUNT({name}) AS {name}" in check.sql


def test_domains_check_agrees_with_the_event_schema() -> None:
    """The SQL accepts what the schema accepts: listed values, minimum numbers, no empty texts."""
    filters = re.findall(r"FILTER \(\s*WHERE (.+?)\s*\) AS (\w+)", CHECKS["domains"].sql)
    conditions = {name: condition for condition, name in filters}
    expected = {}
    for name in FIELD_NAMES:
        spec = json_schema()["properties"][name]
        if "enum" in spec:
            values = re.findall(r"[\w]+", conditions[name].split("NOT IN")[1])
            assert sorted(values) == sorted(str(value) for value in spec["enum"])
            expected[name] = conditions[name]
        elif "minimum" in spec:
            expected[name] = f"{name} < {spec['minimum']}"
        elif spec.get("minLength"):
            expected[name] = f"{name} = ''"
    assert conditions == expected
    assert [bound.column for bound in CHECKS["domains"].bounds] == list(expected)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 5, 12, 5, tzinfo=UTC),  # Hot Sale, at night
        datetime(2026, 8, 15, 15, tzinfo=UTC),  # the Saturday before Día del Niño
        datetime(2026, 11, 2, 13, tzinfo=UTC),  # CyberMonday
        datetime(2026, 11, 24, 23, tzinfo=UTC),
        datetime(2026, 12, 24, 18, tzinfo=UTC),
    ],
)
def test_payment_mix_of_simulated_sales_is_well_within_its_bounds(
    moment: datetime,
) -> None:
    """The bounds are 4 standard deviations of 200 sales wide, to avoid warnings by chance."""
    source = SaleSource(load_market(), seed=7, corrida="mezcla")
    sales = [source.chain(n, moment)[0] for n in range(8_000)]
    bounds = {bound.column: bound for bound in CHECKS["payment_mix"].bounds}
    for tipo_pago, bound in bounds.items():
        assert f"WHERE tipo_pago = '{tipo_pago}'" in CHECKS["payment_mix"].sql
        share = 100 * sum(sale.tipo_pago == tipo_pago for sale in sales) / len(sales)
        spread = 4 * (share * (100 - share) / 200) ** 0.5
        assert bound.minimum is not None
        assert bound.maximum is not None
        assert bound.minimum <= max(share - spread, 0)
        assert bound.maximum >= share + spread


def test_bounds_of_the_cadence_check_allow_the_default_gaps() -> None:
    [check] = [check for check in load_checks() if check.name == "cadence"]
    usual = {
        "pausa_media": (MINIMUM_GAP + MAXIMUM_GAP) / 2,
        "pausa_p95": MAXIMUM_GAP,
        "pausa_maxima": MAXIMUM_GAP,
    }
    assert {bound.column for bound in check.bounds} == usual.keys()
    assert all(bound.holds(usual[bound.column]) for bound in check.bounds)
