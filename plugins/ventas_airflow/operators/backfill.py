"""Back-fill of past days at full speed; a second run adds only what has happened since."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from airflow.sdk import Context

from ventas_airflow import form
from ventas_airflow.operators.parameters import IncidentsOperator, refused_if_wrong
from ventas_airflow.operators.publishing import PublishingOperator


class PlanDaysOperator(IncidentsOperator):
    """Lists the days to fill, each as `{"day": "2026-11-01", "until": …, "incidents": […]}`.

    No event is from `until` on: the end of the last day, or the run's `run_after` if today is
    filled, too. A day's incidents are those that last for a part of it; their minutes count from
    the first day's midnight. `FillDayOperator` is mapped over the days.

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
        self, *, days: int | str, scale: float | str, until_now: bool | str = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.days = days
        self.until_now = until_now
        self.scale = scale

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Return the days; fail with one sentence if a parameter is wrong."""
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
        return [
            {
                "day": day.day.isoformat(),
                "until": until.isoformat(),
                "incidents": msgspec.to_builtins([it for it in incidents if day.has(it)]),
            }
            for day in days
        ]


class FillDayOperator(PublishingOperator):
    """Publishes a past day; events that the ledger has already are not published again.

    A day of which the ledger has a part keeps its incidents; of those of this run, the ones that
    begin later are added. The run's name consists of the day, the seed, the scale and the stores.
    Returns `include.stream.session.Published` as a dict.

    :param day: a day from `PlanDaysOperator`
    :param scale: as in `PlanDaysOperator`
    """

    template_fields: Sequence[str] = (*PublishingOperator.template_fields, "day", "scale")

    def __init__(self, *, day: dict[str, Any], scale: float | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.scale = scale

    def execute(self, context: Context) -> dict[str, Any]:
        """Publish the day's sales that the ledger lacks, and return the totals of the day."""
        from include.sales.backfill import Day, day_arrivals
        from include.sales.demand import Demand
        from include.sales.incidents import Incident
        from include.sales.market import load_market
        from include.stream.load import publish_load

        with refused_if_wrong():
            scale = form.DAY_SCALE.number(self.scale)
            day = Day(date.fromisoformat(self.day["day"]))
            seed, stores = form.SEED.whole(self.seed), form.STORES.texts(self.stores)
            source = self._source(day.corrida(seed, scale, stores))
            timeout = self._timeout()
        source = source.with_incidents(msgspec.convert(self.day["incidents"], list[Incident]))
        until = datetime.fromisoformat(self.day["until"])
        begins = day_arrivals(Demand(load_market()), source.seed, day, scale, until)
        with self._publisher(context, source, timeout, for_load=True) as publisher:
            published = publish_load(
                publisher,
                source,
                sales=range(len(begins)),
                schedule=lambda first, stop: begins[first:stop],
                until=until,
                catch_up=True,
                stop=self._stop,
                report=lambda progress: self._push_progress(context, progress),
            )
        added = published.sales - published.resumed_at
        self.log.info("Day %s: %d sales, %d of them new", day.day, published.sales, added)
        return published.to_dict()
