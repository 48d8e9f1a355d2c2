"""Base classes of the operators that check the form's values: a wrong one fails in one sentence."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from include.sales.limits import DAY_SECONDS, MOST_DAYS
from include.texts import InputError, chosen_language, text
from ventas_airflow import form
from ventas_airflow.form import CADENCE, CURVE, RefusedError, refused, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.sales.content import SaleSource
    from include.sales.faults import Faults
    from include.sales.incidents import Plan
    from include.sales.pace import Pace


class Window(NamedTuple):
    """Checked parameters of a window; `delivery_timeout` in seconds."""

    source: "SaleSource"
    pace: "Callable[[datetime], Pace]"
    begins: datetime | None
    until: datetime | timedelta
    delivery_timeout: float
    faults: "Faults | None"
    incidents: "list[Plan]"


class SalesOperator(BaseOperator):
    """Base class of the tasks about sales, with the parameters that decide what is sold.

    `seed` and `stores` (ids of `stores.csv`, none for all) decide what is sold. `seconds_per_day`
    is the length of a day in seconds when refunds and chargebacks are scheduled;
    `delivery_timeout` is how many seconds the task waits for a lost broker.
    """

    template_fields: Sequence[str] = ("seed", "stores", "seconds_per_day", "delivery_timeout")

    def __init__(
        self,
        *,
        seed: int | str,
        stores: Sequence[str] | str | None = None,
        seconds_per_day: int | str = DAY_SECONDS,
        delivery_timeout: float | str = form.DELIVERY_TIMEOUT.default,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.stores = stores
        self.seconds_per_day = seconds_per_day
        self.delivery_timeout = delivery_timeout

    def _source(self, corrida: str) -> "SaleSource":
        from include.sales.content import SaleSource, UnknownStoresError
        from include.sales.market import load_market

        seed, stores = form.SEED.whole(self.seed), form.STORES.texts(self.stores)
        seconds = form.SECONDS_PER_DAY.whole(self.seconds_per_day)
        try:
            return SaleSource(load_market(), seed, corrida, stores, seconds)
        except UnknownStoresError as error:
            unknown = "; ".join(
                text("refusal.similar", unknown=shown(id_), similar=", ".join(similar))
                if similar
                else shown(id_)
                for id_, similar in error.unknown.items()
            )
            raise refused("stores", title=form.STORES.title, unknown=unknown) from error

    def _timeout(self) -> float:
        return form.DELIVERY_TIMEOUT.number(self.delivery_timeout)


class IncidentsOperator(SalesOperator):
    """Base class of the tasks with incidents of business: each is a line as in `Plan.read`."""

    template_fields: Sequence[str] = (*SalesOperator.template_fields, "incidents")

    def __init__(self, *, incidents: Sequence[str] | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.incidents = incidents

    def _incidents(self) -> "list[Plan]":
        from include.sales.incidents import Plan
        from include.sales.market import load_market

        lines, market = form.INCIDENTS.texts(self.incidents), load_market()
        try:
            return [Plan.read(line, market) for line in lines if line.strip()]
        except InputError as error:
            problem = error.text(chosen_language())
            raise refused("incidents", title=form.INCIDENTS.title, problem=problem) from error


class FaultyOperator(IncidentsOperator):
    """Base class of the tasks with incidents and injected faults, in percent as in `FaultRates`."""

    template_fields: Sequence[str] = (
        *IncidentsOperator.template_fields,
        *(field.name for field in form.FAULTS.values()),
    )

    def __init__(
        self,
        *,
        duplicates_pct: float | str = 0.0,
        late_pct: float | str = 0.0,
        out_of_order_pct: float | str = 0.0,
        malformed_pct: float | str = 0.0,
        bursts_pct: float | str = 0.0,
        silences_pct: float | str = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.duplicates_pct = duplicates_pct
        self.late_pct = late_pct
        self.out_of_order_pct = out_of_order_pct
        self.malformed_pct = malformed_pct
        self.bursts_pct = bursts_pct
        self.silences_pct = silences_pct

    def _faults(self, seed: int, mode: str) -> "Faults | None":
        """Return the faults of a run in a mode; None if all rates are 0."""
        from include.sales.faults import OF_PACE, FaultRates, Faults

        given = {kind: it.number(getattr(self, it.name)) for kind, it in form.FAULTS.items()}
        of_pace = [kind for kind in OF_PACE if given[kind]]
        if of_pace and mode != CADENCE:
            raise refused(
                "other_mode", title=form.FAULTS[of_pace[0]].title, needed=CADENCE, mode=mode
            )
        rates = FaultRates(**given)
        return None if rates.none else Faults(seed, rates)


class WindowOperator(FaultyOperator):
    """Base class of the tasks that check or publish a window: what is sold, how fast, until when.

    `mode` is one of `form.MODES`. In mode `cadence`, each sale follows the previous one after
    `minimum_gap` to `maximum_gap` seconds. In mode `curve`, sales arrive on the demand curve, with
    a mean of `scale` sales per second over a year; they begin at `starts_at` if that renders to a
    moment with a time zone, and the sales from then until now are sent at once. The window ends at
    `ends_at` if that renders to a moment. Otherwise it ends `duration_minutes` after the run's
    `run_after` if `starts_at` is given, and after its first sale if not.
    """

    template_fields: Sequence[str] = (
        *FaultyOperator.template_fields,
        "mode",
        "minimum_gap",
        "maximum_gap",
        "scale",
        "duration_minutes",
        "starts_at",
        "ends_at",
    )

    def __init__(
        self,
        *,
        mode: str = CADENCE,
        minimum_gap: float | str = form.MINIMUM.default,
        maximum_gap: float | str = form.MAXIMUM.default,
        scale: float | str = form.SCALE.default,
        duration_minutes: float | str | None = None,
        starts_at: datetime | str | None = None,
        ends_at: datetime | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.minimum_gap = minimum_gap
        self.maximum_gap = maximum_gap
        self.scale = scale
        self.duration_minutes = duration_minutes
        self.starts_at = starts_at
        self.ends_at = ends_at

    def _window(self, corrida: str, run_after: datetime) -> Window:
        """Return the checked parameters; raise AirflowFailException with one sentence."""
        with refused_if_wrong():
            mode = form.MODE.choice(self.mode)
            begins = self._begins(mode, run_after)
            source = self._source(corrida)
            faults = self._faults(source.seed, mode)
            return Window(
                source=source,
                pace=self._pace(mode, source.seed, faults),
                begins=begins,
                until=self._until(begins, run_after),
                delivery_timeout=self._timeout(),
                faults=faults,
                incidents=self._incidents(),
            )

    def _begins(self, mode: str, run_after: datetime) -> datetime | None:
        begins, title = form.STARTS_AT.moment(self.starts_at), form.STARTS_AT.title
        if begins and mode != CURVE:
            raise refused("other_mode", title=title, needed=CURVE, mode=mode)
        if begins and run_after - begins > timedelta(days=MOST_DAYS):
            raise refused("too_early", title=title, days=MOST_DAYS, value=begins)
        return begins

    def _pace(self, mode: str, seed: int, faults: "Faults | None") -> "Callable[[datetime], Pace]":
        from include.sales.demand import Demand
        from include.sales.market import load_market
        from include.sales.pace import Cadence, Curve, check_gaps

        if mode == CURVE:
            demand, scale = Demand(load_market()), form.SCALE.number(self.scale)
            return lambda begins: Curve(demand, seed, begins, scale)
        gaps = self._gaps()
        try:
            check_gaps(*gaps)
        except ValueError as error:
            raise refused(
                "gaps",
                title=form.MAXIMUM.title,
                minimum_title=form.MINIMUM.title,
                minimum=shown(gaps[0]),
                maximum=shown(gaps[1]),
            ) from error
        return lambda _: Cadence(seed, *gaps, faults)

    def _gaps(self) -> tuple[float, float]:
        return form.MINIMUM.number(self.minimum_gap), form.MAXIMUM.number(self.maximum_gap)

    def _until(self, begins: datetime | None, run_after: datetime) -> datetime | timedelta:
        """Return the end; with `starts_at`, the duration counts from the run's `run_after`."""
        end = form.ENDS_AT.moment(self.ends_at)
        if end is None:
            duration = timedelta(minutes=form.DURATION.number(self.duration_minutes))
            if begins is None:
                return duration
            end = run_after + duration
        if begins and end <= begins:
            raise refused("ends_before", title=form.STARTS_AT.title, begins=begins, end=end)
        return end


@contextmanager
def refused_if_wrong() -> "Iterator[None]":
    """Turn the error of a wrong parameter into a failure without retries."""
    try:
        yield
    except RefusedError as error:
        raise AirflowFailException(str(error)) from error
    except (TypeError, ValueError) as error:
        raise AirflowFailException(text("refusal.other", error=error)) from error
