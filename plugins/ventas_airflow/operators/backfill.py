"""Back-fill of past days at full speed; a second run adds only what has happened since."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from airflow.sdk import Context

from ventas_airflow import form
from ventas_airflow.operators.parameters import IncidentsOperator, refused_if_wrong
from ventas_airflow.operators.publishing import PublishingOperator

Planned = dict[str, Any]
"""A day to fill: `{"day": "2026-11-01", "until": …, "incidents": […]}`.

No event is from `until` on: the end of the last day, or the run's `run_after` if today is filled,
too. A day's incidents are those that last for a part of it."""


class PlanDaysOperator(IncidentsOperator):
    """Divides the days to fill among tasks: `FillDaysOperator` is mapped over the lists.

    The incidents' minutes count from the first day's midnight.

    :param tasks: greatest number of lists
    :param days: number of whole local days before the run
    :param until_now: whether to fill today, too, until the run's `run_after`
    :param scale: sales per second, as the mean over a year
    """

    template_fields: Sequence[str] = (
        *IncidentsOperator.template_fields,
        "days",
        "until_now",
        "scale",
    )

    def __init__(
        self,
        *,
        tasks: int,
        days: int | str,
        scale: float | str,
        until_now: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tasks = tasks
        self.days = days
        self.until_now = until_now
        self.scale = scale

    def execute(self, context: Context) -> list[list[Planned]]:
        """Return each task's days; fail with one sentence if a parameter is wrong."""
        from include.sales.backfill import past_days

        now, today = context["dag_run"].run_after, str(self.until_now).lower() == "true"
        with refused_if_wrong():
            self._source("-")
            form.DAY_SCALE.number(self.scale)
            days = past_days(now, form.DAYS.whole(self.days), today=today)
            incidents = [plan.begun(days[0].start) for plan in self._incidents()]
        until = now if today else days[-1].end
        self.log.info(
            "Filling the days %s to %s; sales after that begin at %s",
            days[0].day,
            days[-1].day,
            until.isoformat(),
        )
        planned: list[Planned] = [
            {
                "day": day.day.isoformat(),
                "until": until.isoformat(),
                "incidents": msgspec.to_builtins([it for it in incidents if day.has(it)]),
            }
            for day in days
        ]
        size = -(-len(planned) // self.tasks)
        return [planned[first : first + size] for first in range(0, len(planned), size)]


class FillDaysOperator(PublishingOperator):
    """Publishes past days, one after the other, without the events that the ledger has already.

    A day of which the ledger has a part keeps its incidents; of those of this run, the ones that
    begin later are added. The run's name consists of the day, the seed, the scale and the stores.
    Returns `include.stream.session.Published` of each day, as dicts.

    :param days: a list from `PlanDaysOperator`
    :param scale: as in `PlanDaysOperator`
    :param rate: events per second; 0 for as many as Kafka accepts
    """

    template_fields: Sequence[str] = (*PublishingOperator.template_fields, "days", "scale", "rate")

    def __init__(
        self,
        *,
        days: list[Planned],
        scale: float | str,
        rate: float | str = form.LOAD_RATE.default,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.days = days
        self.scale = scale
        self.rate = rate

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Publish the sales that the ledger lacks, and return the totals of each day."""
        filled: list[dict[str, Any]] = []
        for planned in self.days:
            filled.append(self._fill(context, planned, filled))
            # If a later day fails, the end of the ingestion still waits for this one's rows.
            context["ti"].xcom_push("return_value", filled)
        return filled

    def _fill(
        self, context: Context, planned: Planned, before: list[dict[str, Any]]
    ) -> dict[str, Any]:
        from include.sales.backfill import Day, day_arrivals
        from include.sales.demand import Demand
        from include.sales.incidents import Incident
        from include.sales.market import load_market
        from include.stream.load import publish_load

        with refused_if_wrong():
            scale = form.DAY_SCALE.number(self.scale)
            rate = form.LOAD_RATE.number(self.rate)
            day = Day(date.fromisoformat(planned["day"]))
            seed, stores = form.SEED.whole(self.seed), form.STORES.texts(self.stores)
            source = self._source(day.corrida(seed, scale, stores))
            timeout = self._timeout()
        source = source.with_incidents(msgspec.convert(planned["incidents"], list[Incident]))
        until = datetime.fromisoformat(planned["until"])
        begins = day_arrivals(Demand(load_market()), source.seed, day, scale, until)
        with self._publisher(context, source, timeout, for_load=True, before=before) as publisher:
            published = publish_load(
                publisher,
                source,
                sales=range(len(begins)),
                schedule=lambda first, stop: begins[first:stop],
                until=until,
                catch_up=True,
                rate=rate or None,
                stop=self._stop,
                report=lambda progress: self._push_progress(context, progress),
            )
        added = published.sales - published.resumed_at
        self.log.info("Day %s: %d sales, %d of them new", day.day, published.sales, added)
        return published.to_dict()
