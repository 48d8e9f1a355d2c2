"""Operator that checks that Druid equals the ledger in every closed minute of the look-back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from include.waiting import Polling
from ventas_airflow.form import LOOKBACK
from ventas_airflow.ledger import read_sides
from ventas_airflow.operators.connections import DatasourceOperator, TopicOperator
from ventas_airflow.preconditions import vm_is_off

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.checks import CheckResult

#: Seconds between looks while Druid differs, and the most seconds that it may differ: after an
#: ingestion task is replaced, Druid takes some seconds to show its rows again.
_INTERVAL, _PATIENCE = 2.0, 30.0


class CheckLedgerOperator(TopicOperator, DatasourceOperator):
    """Compares counts and sums by run, minute and state in Druid with topic `ventas.ledger`.

    Its XCom is a `CheckResult` as a dict, like that of `RunCheckOperator`, even if it fails or is
    skipped.

    If they differ, the result names the foreign records: those that no run in the ledger sent, by
    partition, offset and id, which only Kafka knows. Only records written to `topic` since the
    first compared minute are searched, as far as they can be read in
    `include.stream.foreign.SECONDS`. For an older record, the difference still tells the run, the
    minute and the state.

    :param vm: as in `druid_is_on`; if the VM is off, a missing answer skips instead of failing
    :param lookback_minutes: how many minutes back the comparison begins
    """

    template_fields: Sequence[str] = (
        "vm",
        "lookback_minutes",
        "topic",
        "datasource",
        "ledger_topic",
    )

    def __init__(
        self,
        *,
        vm: Mapping[str, Any],
        lookback_minutes: int | str = LOOKBACK.default,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vm = vm
        self.lookback_minutes = lookback_minutes

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare; fail without retries for a difference, with retries if a server is away."""
        from include.druid.client import DruidError
        from include.druid.ledger import result
        from include.stream.errors import StreamError
        from include.stream.ledger import LedgerError

        retry = False
        try:
            found = self._compare()
        except LedgerError as error:
            found = result("error", str(error))
        except (DruidError, StreamError) as error:
            reason = vm_is_off(self.vm)
            found = result("skipped", reason) if reason else result("error", str(error))
            retry = True
        text = f"{found.title}: {found.message}"
        if found.status == "ok":
            self.log.info(text)
            return found.to_dict()
        context["ti"].xcom_push(key="return_value", value=found.to_dict())
        if found.status == "skipped":
            raise AirflowSkipException(text)
        raise AirflowException(text) if retry else AirflowFailException(text)

    def _compare(self) -> CheckResult:
        """Compare until both are equal, or for `_PATIENCE` seconds."""
        from include.druid.ledger import closed_minutes

        lookback = timedelta(minutes=LOOKBACK.whole(self.lookback_minutes))
        start, end = closed_minutes(datetime.now(UTC), lookback)
        for _ in Polling(_PATIENCE, interval=_INTERVAL):
            found = self._look(start, end)
            if found.status != "error":
                return found
            self.log.info("Druid and the ledger still differ: %s", found.message)
        return self._with_foreign(found, start)

    def _with_foreign(self, found: CheckResult, since: datetime) -> CheckResult:
        """Add the foreign records to the result of a comparison."""
        from include.stream.foreign import foreign_records

        foreign = foreign_records(self._kafka_config(), self.topic, self.ledger_topic, since=since)
        if not foreign:
            return found
        return replace(
            found,
            numbers={**found.numbers, "registros_ajenos": foreign.count},
            message=f"{found.message}; {foreign}",
        )

    def _look(self, start: datetime, end: datetime) -> CheckResult:
        from include.druid.ledger import compare

        client, config = self._druid(), self._kafka_config()
        return compare(*read_sides(client, config, self.datasource, self.ledger_topic, start, end))
