"""Base classes that check the form's values: a wrong value fails with one clear sentence."""

import reprlib
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.sales.content import SaleSource
    from include.sales.faults import Faults
    from include.sales.pace import Pace

CADENCE, CURVE, LOAD = MODES = ("cadence", "curve", "load")
"""Modes: a sale after each gap; sales on the demand curve; as many as Kafka accepts."""

SCALES = (0.0001, 1000)
"""Least and most sales per second, as the mean of a year; below, the next sale is hours away."""

_HOUR, _DAY_MINUTES = 3600, 1440


class Window(NamedTuple):
    """Checked parameters of a window; `delivery_timeout` in seconds."""

    source: "SaleSource"
    pace: "Callable[[datetime], Pace]"
    begins: datetime | None
    until: datetime | timedelta
    delivery_timeout: float
    faults: "Faults | None"


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
        seconds_per_day: int | str = 86_400,
        delivery_timeout: float | str = 120.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.stores = stores
        self.seconds_per_day = seconds_per_day
        self.delivery_timeout = delivery_timeout

    def _source(self, corrida: str) -> "SaleSource":
        from include.sales.content import SaleSource
        from include.sales.market import load_market

        return SaleSource(
            load_market(),
            self._whole("seed"),
            corrida,
            self._stores(),
            self._whole("seconds_per_day"),
        )

    def _stores(self) -> Sequence[str]:
        stores = [] if self.stores is None else self.stores
        if isinstance(stores, str):
            raise TypeError(
                f"stores needs a list and is {reprlib.repr(stores)}; the DAG needs "
                "render_template_as_native_obj=True for a templated one"
            )
        if not isinstance(stores, list | tuple) or not all(isinstance(it, str) for it in stores):
            raise TypeError(f"stores needs a list of ids, and it is {reprlib.repr(stores)}")
        return stores

    def _number(self, name: str) -> float:
        value = getattr(self, name)
        try:
            return float(str(value))
        except ValueError as error:
            raise ValueError(
                f"{name} needs to be a number, and it is {reprlib.repr(value)}"
            ) from error

    def _whole(self, name: str) -> int:
        value = getattr(self, name)
        # JSON has no integers: 2.0 from a form is a whole number, just as 2.
        if isinstance(value, float) and value.is_integer():
            return int(value)
        try:
            return int(str(value))
        except ValueError as error:
            raise ValueError(
                f"{name} needs to be a whole number, and it is {reprlib.repr(value)}"
            ) from error

    def _count(self, name: str, most: int) -> int:
        count = self._whole(name)
        if not 1 <= count <= most:
            raise ValueError(f"{name} is 1 to {most}, and it is {count}")
        return count

    def _positive(self, name: str, most: float) -> float:
        value = self._number(name)
        if not 0 < value <= most:
            raise ValueError(
                f"{name} must be greater than 0 and at most {most:g}, and it is {value:g}"
            )
        return value

    def _scale(self) -> float:
        """Return the checked scale, for an operator with the attribute `scale`."""
        least, most = SCALES
        scale = self._number("scale")
        if not least <= scale <= most:
            raise ValueError(f"scale is {least:g} to {most:g} sales a second, and it is {scale:g}")
        return scale

    def _timeout(self) -> float:
        return self._positive("delivery_timeout", _HOUR)

    def _moment(self, name: str) -> datetime | None:
        """Return a moment with time zone; None for a blank value."""
        value = getattr(self, name)
        if value is None or value == "":
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if not isinstance(moment, datetime):
            raise ValueError(
                f"{name} needs to be a moment such as 2026-11-24T21:00:00-03:00, "
                f"and it is {reprlib.repr(value)}"
            )
        if moment.tzinfo is None:
            raise ValueError(f"{name} needs a time zone, and {value!r} has none")
        return moment


class FaultyOperator(SalesOperator):
    """Base class of the tasks with injected faults, in percent, as in `FaultRates`."""

    template_fields: Sequence[str] = (
        *SalesOperator.template_fields,
        "duplicates_pct",
        "late_pct",
        "out_of_order_pct",
        "malformed_pct",
        "bursts_pct",
        "silences_pct",
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
        from include.sales.faults import RATE_OF_FIELD, FaultRates, Faults

        rates = FaultRates(**{rate: self._number(field) for field, rate in RATE_OF_FIELD.items()})
        if rates.of_pace and mode != CADENCE:
            raise ValueError(
                f"bursts_pct and silences_pct are for mode {CADENCE}, and the mode is {mode}"
            )
        return None if rates.none else Faults(seed, rates)


class WindowOperator(FaultyOperator):
    """Base class of the tasks that check or publish a window: what is sold, how fast, until when.

    `mode` is one of `MODES`. In mode `cadence`, each sale follows the previous one after
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
        minimum_gap: float | str = 1.0,
        maximum_gap: float | str = 2.0,
        scale: float | str = 1.0,
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
            begins = self._begins(run_after)
            source = self._source(corrida)
            faults = self._faults(source.seed, self.mode)
            return Window(
                source=source,
                pace=self._pace(source.seed, faults),
                begins=begins,
                until=self._until(begins, run_after),
                delivery_timeout=self._timeout(),
                faults=faults,
            )

    def _begins(self, run_after: datetime) -> datetime | None:
        from include.sales.backfill import MOST_DAYS

        begins = self._moment("starts_at")
        if begins and self.mode != CURVE:
            raise ValueError(
                f"starts_at is for mode {CURVE}, and the mode is {reprlib.repr(self.mode)}"
            )
        if begins and run_after - begins > timedelta(days=MOST_DAYS):
            raise ValueError(
                f"starts_at is at most {MOST_DAYS} days before the run, and it is {begins}"
            )
        return begins

    def _pace(self, seed: int, faults: "Faults | None") -> "Callable[[datetime], Pace]":
        from include.sales.demand import Demand
        from include.sales.market import load_market
        from include.sales.pace import Cadence, Curve, check_gaps

        if self.mode not in MODES:
            raise ValueError(
                f"mode is one of {', '.join(MODES)}, and it is {reprlib.repr(self.mode)}"
            )
        if self.mode == CURVE:
            demand, scale = Demand(load_market()), self._scale()
            return lambda begins: Curve(demand, seed, begins, scale)
        gaps = self._number("minimum_gap"), self._number("maximum_gap")
        check_gaps(*gaps)
        if gaps[1] > _HOUR:
            raise ValueError(f"maximum_gap is at most {_HOUR} seconds, and it is {gaps[1]:g}")
        return lambda _: Cadence(seed, *gaps, faults)

    def _until(self, begins: datetime | None, run_after: datetime) -> datetime | timedelta:
        """Return the end; with `starts_at`, the duration counts from the run's `run_after`."""
        end = self._moment("ends_at")
        if end is None:
            duration = timedelta(minutes=self._positive("duration_minutes", _DAY_MINUTES))
            if begins is None:
                return duration
            end = run_after + duration
        if begins and end <= begins:
            raise ValueError(f"the window ends at {end}, before starts_at, {begins}")
        return end


@contextmanager
def refused_if_wrong() -> "Iterator[None]":
    """Turn the error of a wrong parameter into a failure without retries."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise AirflowFailException(f"Parámetro inválido: {error}") from error
