"""What the form says about the sales, checked: one clear sentence for what is wrong."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.sales.content import SaleSource
    from include.sales.faults import Faults
    from include.sales.pace import Pace

N = TypeVar("N", int, float)

CADENCE, CURVE, LOAD = MODES = ("cadence", "curve", "load")
"""A sale after each gap; arrivals on the demand curve; as many as Kafka takes."""


class Window(NamedTuple):
    """What a window sells, checked; `delivery_timeout` in seconds."""

    source: "SaleSource"
    pace: "Callable[[datetime], Pace]"
    begins: datetime | None
    until: datetime | timedelta
    delivery_timeout: float
    faults: "Faults | None"


class SalesOperator(BaseOperator):
    """What all tasks about sales share: whose they are.

    `seed` and `stores` (ids of `stores.csv`, none for all) say what is sold; `seconds_per_day` is
    how long a day lasts until a sale is given back; `delivery_timeout` is how many seconds a lost
    broker is ridden out.
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
            self._number("seed", int),
            corrida,
            self._stores(),
            self._number("seconds_per_day", int),
        )

    def _stores(self) -> Sequence[str]:
        if isinstance(self.stores, str):
            raise TypeError(
                f"stores needs a list and is {self.stores!r}; the DAG needs "
                "render_template_as_native_obj=True for a templated one"
            )
        return self.stores or ()

    def _number(self, name: str, kind: Callable[[str], N]) -> N:
        value = getattr(self, name)
        try:
            return kind(str(value))
        except ValueError as error:
            raise ValueError(f"{name} needs to be a number, and it is {value!r}") from error

    def _positive(self, name: str) -> float:
        value = self._number(name, float)
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} must be greater than 0, and it is {value:g}")
        return value

    def _moment(self, name: str) -> datetime | None:
        """A moment with time zone; None for a blank one."""
        value = getattr(self, name)
        if not value:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if moment.tzinfo is None:
            raise ValueError(f"{name} needs a time zone, and {value!r} has none")
        return moment


class FaultyOperator(SalesOperator):
    """What can have faults on purpose, in percent: as `include.sales.faults.FaultRates`."""

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
        """The faults of a run in a mode; None if there are none."""
        from include.sales.faults import FaultRates, Faults

        rates = FaultRates(
            duplicado=self._number("duplicates_pct", float),
            tardio=self._number("late_pct", float),
            desordenado=self._number("out_of_order_pct", float),
            malformado=self._number("malformed_pct", float),
            rafaga=self._number("bursts_pct", float),
            silencio=self._number("silences_pct", float),
        )
        if rates.of_pace and mode != CADENCE:
            raise ValueError(
                f"bursts_pct and silences_pct are for mode {CADENCE}, and the mode is {mode}"
            )
        return None if rates.none else Faults(seed, rates)


class WindowOperator(FaultyOperator):
    """What checking and publishing a window share: what is sold, how fast and until when.

    `mode` is one of `MODES`. With `cadence` a sale follows another after `minimum_gap` to
    `maximum_gap` seconds; with `curve` they arrive on the demand curve, in the mean of a year
    `scale` sales a second, from `starts_at` on if that renders to a moment with a time zone: what
    was sold since then is sent at once. The window ends at `ends_at` if that renders to a moment,
    and otherwise `duration_minutes` after the run's first sale.
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
        """The arguments, checked; raises AirflowFailException with one sentence."""
        with refused_if_wrong():
            begins = self._moment("starts_at")
            if begins and self.mode != CURVE:
                raise ValueError(f"starts_at is for mode {CURVE}, and the mode is {self.mode}")
            source = self._source(corrida)
            faults = self._faults(source.seed, self.mode)
            return Window(
                source=source,
                pace=self._pace(source.seed, faults),
                begins=begins,
                until=self._until(run_after if begins else None),
                delivery_timeout=self._positive("delivery_timeout"),
                faults=faults,
            )

    def _pace(self, seed: int, faults: "Faults | None") -> "Callable[[datetime], Pace]":
        from include.sales.demand import Demand
        from include.sales.market import load_market
        from include.sales.pace import Cadence, Curve, check_gaps

        if self.mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}, and it is {self.mode!r}")
        if self.mode == CURVE:
            demand, scale = Demand(load_market()), self._positive("scale")
            return lambda begins: Curve(demand, seed, begins, scale)
        gaps = self._number("minimum_gap", float), self._number("maximum_gap", float)
        check_gaps(*gaps)
        return lambda _: Cadence(seed, *gaps, faults)

    def _until(self, run_after: datetime | None) -> datetime | timedelta:
        """The end; `run_after` is what a duration counts from if not from the first sale."""
        if moment := self._moment("ends_at"):
            return moment
        duration = timedelta(minutes=self._positive("duration_minutes"))
        return run_after + duration if run_after else duration


@contextmanager
def refused_if_wrong() -> "Iterator[None]":
    """Fail the task, without retries, for a parameter that is wrong."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise AirflowFailException(f"Parámetro inválido: {error}") from error
