"""Back-fill of past days at full speed: one task for each day, and a second run adds nothing."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from airflow.sdk import Context

from ventas_airflow import form
from ventas_airflow.operators.parameters import SalesOperator, refused_if_wrong
from ventas_airflow.operators.publishing import PublishingOperator


class PlanDaysOperator(SalesOperator):
    """Lists the days to fill, each as `{"day": "2026-11-01", "until": end of the last day}`.

    `FillDayOperator` is mapped over them.

    :param days: number of whole local days before the run
    :param scale: sales per second, as the mean over a year
    """

    template_fields: Sequence[str] = (*SalesOperator.template_fields, "days", "scale")

    def __init__(self, *, days: int | str, scale: float | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.days = days
        self.scale = scale

    def execute(self, context: Context) -> list[dict[str, str]]:
        """Return the days; fail with one sentence if a parameter is wrong."""
        from include.sales.backfill import past_days

        with refused_if_wrong():
            self._source("-")
            form.DAY_SCALE.number(self.scale)
            days = past_days(context["dag_run"].run_after, form.DAYS.whole(self.days))
        until = days[-1].end
        self.log.info(
            "Filling the days %s to %s; sales after that begin at %s",
            days[0].day,
            days[-1].day,
            until.isoformat(),
        )
        return [{"day": day.day.isoformat(), "until": until.isoformat()} for day in days]


class FillDayOperator(PublishingOperator):
    """Publishes a past day; sales that the ledger has already are not published again.

    The run's name consists of the day, the seed, the scale and the stores. Returns
    `include.stream.session.Published` as a dict.

    :param day: a day from `PlanDaysOperator`
    :param scale: as in `PlanDaysOperator`
    """

    template_fields: Sequence[str] = (*PublishingOperator.template_fields, "day", "scale")

    def __init__(self, *, day: dict[str, str], scale: float | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.day = day
        self.scale = scale

    def execute(self, context: Context) -> dict[str, Any]:
        """Publish the day's sales that the ledger lacks, and return the totals of the day."""
        from include.sales.backfill import Day, day_arrivals
        from include.sales.demand import Demand
        from include.sales.market import load_market
        from include.stream.load import publish_load

        with refused_if_wrong():
            scale = form.DAY_SCALE.number(self.scale)
            day = Day(date.fromisoformat(self.day["day"]))
            seed, stores = form.SEED.whole(self.seed), form.STORES.texts(self.stores)
            source = self._source(day.corrida(seed, scale, stores))
            timeout = self._timeout()
        begins = day_arrivals(Demand(load_market()), source.seed, day, scale)
        with self._publisher(context, source, timeout, for_load=True) as publisher:
            published = publish_load(
                publisher,
                source,
                sales=range(len(begins)),
                schedule=lambda first, stop: begins[first:stop],
                until=datetime.fromisoformat(self.day["until"]),
                stop=self._stop,
                report=lambda progress: self._push_progress(context, progress),
            )
        added = published.sales - published.resumed_at
        self.log.info("Day %s: %d sales, %d of them new", day.day, published.sales, added)
        return published.to_dict()
