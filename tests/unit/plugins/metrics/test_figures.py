"""The numbers that the metrics take from checks exist in the checks' files."""

from include.druid.checks import load_checks
from ventas_airflow.metrics import FIGURES


def test_every_figure_is_a_column_of_its_check_file() -> None:
    checks = {check.name: check for check in load_checks()}
    for name, column in FIGURES:
        check = checks[name]
        known = check.sql if check.source == "sql" else [bound.column for bound in check.bounds]
        assert column in known, (name, column)
