"""Operators of the validation: one runs a check in Druid, the other sums the results up."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from include.names import DRUID_SQL_CONNECTION, KAFKA_CONNECTION, LEDGER_TOPIC
from include.texts import text
from ventas_airflow import metrics
from ventas_airflow.form import LOOKBACK
from ventas_airflow.operators.connections import DatasourceOperator, kafka_config
from ventas_airflow.preconditions import vm_is_off

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.check_file import Check
    from include.druid.checks import CheckResult


#: How old a complaint of the supervisor may be: it repeats one that lasts every ten seconds.
_COMPLAINING = timedelta(minutes=1)


class RunCheckOperator(DatasourceOperator):
    """Runs one check of ``include/druid/sql/checks``; its XCom is the `CheckResult` as a dict.

    The result is stored even if the task fails (without retries for a violated error, with retries
    if Druid or Kafka does not answer) or is skipped (no sales, none expected, too few).

    :param check: name of the check
    :param window: what `sales_expected` returned
    :param lookback_minutes: how far back the check looks
    :param vm: as in `druid_is_on`; if the VM is off, a missing answer skips instead of failing
    :param ledger_topic: counts the injected faults. It is read only if they may explain the
        violation, and after Druid: each row in Druid was committed together with its entry.
    """

    template_fields: Sequence[str] = (
        "check",
        "window",
        "datasource",
        "lookback_minutes",
        "vm",
        "ledger_topic",
    )

    def __init__(
        self,
        *,
        check: str,
        window: Mapping[str, Any] | str,
        vm: Mapping[str, Any],
        lookback_minutes: int | str = LOOKBACK.default,
        ledger_topic: str = LEDGER_TOPIC,
        kafka_conn_id: str = KAFKA_CONNECTION,
        druid_broker_conn_id: str = DRUID_SQL_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.window = window
        self.vm = vm
        self.lookback_minutes = lookback_minutes
        self.ledger_topic = ledger_topic
        self.kafka_conn_id = kafka_conn_id
        self.druid_broker_conn_id = druid_broker_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the check, and fail if its result is an error."""
        from include.druid.checks import load_checks

        check = next(check for check in load_checks() if check.name == self.check)
        context["title"] = check.title  # type: ignore[typeddict-unknown-key]
        self.log.info("%s: %s", check.title, check.description)
        result, retry = self._result(check)
        told = f"{check.title}: {result.message}"
        if result.status in ("ok", "warning"):
            self.log.log(logging.INFO if result.status == "ok" else logging.WARNING, told)
            return result.to_dict()
        context["ti"].xcom_push(key="return_value", value=result.to_dict())
        if result.status == "skipped":
            raise AirflowSkipException(told)
        raise AirflowException(told) if retry else AirflowFailException(told)

    def _result(self, check: Check) -> tuple[CheckResult, bool]:
        """Return the result, and whether a retry may change it."""
        from include.druid.checks import evaluate, fail, skip
        from include.druid.client import (
            DatasourceMissingError,
            DruidError,
            DruidUnreachableError,
            QueryInvalidError,
        )
        from include.stream.errors import StreamError

        assert isinstance(self.window, Mapping)  # noqa: S101 - rendered by now
        if check.when == "window_open" and not self.window["open"]:
            reason = text("check_message.not_expected", reason=self.window["reason"])
            return skip(check, reason), False
        try:
            queried_at = datetime.now(UTC)
            row = self._row(check)
            result = evaluate(check, row)
            if result.status in ("error", "warning") and (check.faults or check.without):
                result = evaluate(check, row, self._faults(check, queried_at))
            if check.source == "supervisor" and result.status != "ok" and row:
                result = replace(result, message=f"{result.message}; {row['report']}")
            return result, False
        except StreamError as error:
            return fail(check, text("check_message.kafka", error=error)), True
        except DruidUnreachableError as error:
            if reason := vm_is_off(self.vm):
                return skip(check, reason), False
            return fail(check, text("check_message.unreachable", error=error)), True
        except DruidError as error:
            if f"Object '{self.datasource}' not found" in str(error):
                named = {"datasource": self.datasource}
                if check.when == "window_open":
                    return fail(check, text("check_message.no_datasource", **named)), True
                return skip(check, text("check_message.no_sales", **named)), False
            retry = not isinstance(error, DatasourceMissingError | QueryInvalidError)
            return fail(check, text("check_message.query_failed", error=error)), retry

    def _faults(self, check: Check, queried_at: datetime) -> dict[str, int]:
        """Return the faults by kind in the look-back of a query that ran at `queried_at`."""
        from include.sales.faults import MOST_LATE_MINUTES
        from include.stream.ledger import read_faults
        from include.stream.topics import TopicMissingError

        minutes = LOOKBACK.whole(self.lookback_minutes)
        if check.without:
            # A late sale is missing among the other sales of the look-back, since its own time is
            # up to `MOST_LATE_MINUTES` before theirs.
            minutes += MOST_LATE_MINUTES
        config = kafka_config(self.kafka_conn_id)
        try:
            return read_faults(config, self.ledger_topic, queried_at - timedelta(minutes=minutes))
        except TopicMissingError:
            return {}

    def _row(self, check: Check) -> dict[str, Any] | None:
        if check.source == "supervisor":
            return self._reported(check)
        if check.source == "offsets":
            return self._offsets()

        from include.druid.checks import QUERY_CONTEXT
        from ventas_airflow.hooks.druid import DruidBrokerHook

        # No retries of the client: the task has its own.
        client = DruidBrokerHook(druid_broker_conn_id=self.druid_broker_conn_id).get_client(
            retries=0
        )
        rows = client.sql(
            *check.statement(self.datasource, LOOKBACK.whole(self.lookback_minutes)),
            timeout=check.timeout,
            context=QUERY_CONTEXT,
        )
        if len(rows) > 1:
            raise AirflowFailException(text("check_message.rows", check=check.name, rows=len(rows)))
        # A query of a system table may give no row, even for a count.
        return rows[0] if rows else None

    def _reported(self, check: Check) -> dict[str, Any] | None:
        from include.druid.supervisor import describe

        status = self._status()
        if status is None:
            return None
        # `healthy` is a bool, which becomes 0 or 1.
        numbers = {bound.column: status.get(bound.column) for bound in check.bounds}
        numbers = {name: n + 0 if isinstance(n, bool) else n for name, n in numbers.items()}
        return {**numbers, "report": describe(status)}

    def _offsets(self) -> dict[str, Any] | None:
        from include.druid.offsets import counts, positions
        from include.druid.supervisor import assign_unread_partitions
        from include.stream.reader import offsets_of

        status = self._status()
        if status is None:
            return None
        since = datetime.now(UTC) - _COMPLAINING
        client = self._druid()
        at = positions(client, status, since)
        if added := assign_unread_partitions(client, status):
            self.log.warning("No task read partitions %s: new tasks now read them", added)
        held = offsets_of(kafka_config(self.kafka_conn_id), status["stream"])
        return dict(counts(at, held))

    def _status(self) -> dict[str, Any] | None:
        from include.druid.client import SupervisorMissingError

        try:
            return self._druid().supervisor_status(self.datasource)
        except SupervisorMissingError:
            return None


class SummarizeChecksOperator(BaseOperator):
    """Logs the results as a table and fails, with the numbers, if any result is an error.

    :param checks: names of the planned checks
    :param results: XComs of `RunCheckOperator`
    :param ledger: XCom of `CheckLedgerOperator`

    The XCom is ``{"totals": {status: count}, "results": [CheckResult as a dict]}``, on failure too.
    """

    template_fields: Sequence[str] = ("checks", "results", "ledger")

    def __init__(self, *, checks: Any, results: Any, ledger: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checks = checks
        self.results = results
        self.ledger = ledger

    def execute(self, context: Context) -> None:
        """Sum the results up; a check without a result counts as an error."""
        from include.druid import ledger
        from include.druid.checks import CheckResult, fail, load_checks, table, totals

        if not self.checks:
            raise AirflowFailException(text("check_message.nothing_checked"))
        found = {row["name"]: CheckResult(**row) for row in self.results or ()}
        no_result = text("check_message.no_result")
        results = [
            found.get(check.name) or fail(check, no_result)
            for check in load_checks()
            if check.name in self.checks
        ]
        results.append(
            CheckResult(**self.ledger) if self.ledger else ledger.result("error", no_result)
        )
        metrics.validated(results)
        counts = totals(results)
        context["ti"].xcom_push(
            key="return_value",
            value={"totals": counts, "results": [result.to_dict() for result in results]},
        )
        self.log.info("Validation of the sales: %s\n%s", counts, table(results))
        errors = [f"{r.title}: {r.message}" for r in results if r.status == "error"]
        if errors:
            raise AirflowFailException(
                text("check_message.failed", count=len(errors), errors=" | ".join(errors))
            )
