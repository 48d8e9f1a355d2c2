"""Load mode: several tasks publish a run's sales in parallel, as fast as Kafka accepts them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Context

from include.sales.limits import MOST_DAYS
from ventas_airflow import form
from ventas_airflow.form import LOAD, refused, shown
from ventas_airflow.operators.parameters import FaultyOperator, SalesOperator, refused_if_wrong
from ventas_airflow.operators.publishing import PublishingOperator
from ventas_airflow.runs import Shard, earliest_record

_SALES_PER_SECOND = 1000.0
"""Sales per second of the simulated clock if the form asks for no rate."""


class PlanLoadOperator(SalesOperator):
    """Divides the sales of a load among shards; no shards if the mode is not `load`.

    `LoadSalesOperator` is mapped over the shards.
    """

    template_fields: Sequence[str] = (*SalesOperator.template_fields, "mode", "sales", "shards")

    def __init__(
        self, *, mode: str, sales: int | str, shards: int | str = form.SHARDS.default, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.sales = sales
        self.shards = shards

    def execute(self, context: Context) -> list[Shard]:  # noqa: ARG002
        """Return the shards that have sales."""
        from include.sales.bulk import split

        if self.mode != LOAD:
            return []
        with refused_if_wrong():
            sales = form.LOAD_SALES.whole(self.sales)
            ranges = split(sales, form.SHARDS.whole(self.shards))
        return [{"start": shard.start, "stop": shard.stop} for shard in ranges if shard]


class LoadSalesOperator(FaultyOperator, PublishingOperator):
    """Publishes one shard of a load; the run's name is the DAG run's id.

    The simulated clock ends at the run's `run_after`, so at every rate no event is in the future;
    events that would be due later are left out.

    :param shard: a shard from `PlanLoadOperator`
    :param sales: number of sales of the whole load
    :param rate: events per second of this shard; 0 for as many as Kafka accepts

    Returns `include.stream.session.Published` as a dict; meanwhile its XCom ``progress`` is
    `include.stream.load.Progress` as a dict.
    """

    template_fields: Sequence[str] = (
        *FaultyOperator.template_fields,
        "kafka_conn_id",
        "topic",
        "ledger_topic",
        "shard",
        "sales",
        "rate",
    )

    def __init__(
        self,
        *,
        shard: Shard,
        sales: int | str,
        rate: float | str = form.LOAD_RATE.default,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shard = shard
        self.sales = sales
        self.rate = rate

    def execute(self, context: Context) -> dict[str, Any]:
        """Publish the shard, and return how much of it is published."""
        from include.sales.bulk import evenly
        from include.stream.load import publish_load

        dag_run = context["dag_run"]
        with refused_if_wrong():
            source = self._source(dag_run.run_id)
            faults = self._faults(source.seed, LOAD)
            timeout = self._timeout()
            rate = form.LOAD_RATE.number(self.rate)
            end: datetime = dag_run.run_after
            clock = rate / 2 or _SALES_PER_SECOND
            begins = end - _lasting(form.LOAD_SALES.whole(self.sales), clock)
            source = source.with_incidents([plan.begun(begins) for plan in self._incidents()])
        sales = range(self.shard["start"], self.shard["stop"])
        with self._publisher(
            context, source, timeout, shard=self.shard, for_load=True
        ) as publisher:
            published = publish_load(
                publisher,
                source,
                sales=sales,
                schedule=evenly(begins, clock),
                until=end,
                rate=rate or None,
                stop=self._stop,
                since=earliest_record(context["dag_run"]),
                report=lambda progress: self._push_progress(context, progress),
                faults=faults,
            )
        self.log.info(
            "End of the load: %d sales, %d records acknowledged",
            published.sales,
            published.committed,
        )
        return published.to_dict()


def _lasting(sales: int, clock: float) -> timedelta:
    """Return how long the load lasts on the simulated clock: at most as long as a back-fill."""
    days = sales / clock / 86_400
    if days > MOST_DAYS:
        raise refused(
            "too_long",
            title=form.LOAD_SALES.title,
            rate_title=form.LOAD_RATE.title,
            sales=shown(sales),
            days=shown(round(days)),
            most=MOST_DAYS,
        )
    return timedelta(days=days)
