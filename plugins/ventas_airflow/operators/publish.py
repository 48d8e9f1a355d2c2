"""The sale producer as a long task: paced, resumable, and stopped within seconds."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRuntimeError

if TYPE_CHECKING:
    from include.sales.content import SaleSource
    from include.stream.session import Published


N = TypeVar("N", int, float)


class Sales(NamedTuple):
    """What a window sells, checked; gaps and `delivery_timeout` in seconds."""

    source: "SaleSource"
    until: datetime | timedelta
    minimum_gap: float
    maximum_gap: float
    delivery_timeout: float


_CLOCK_SKEW = timedelta(minutes=10)
"""How far the clocks of Airflow and of the worker may be apart, generously."""


class SalesOperator(BaseOperator):
    """What checking and publishing share: what is sold, how fast and until when.

    The window ends at `ends_at` if that renders to a moment with a time zone, and otherwise
    `duration_minutes` after the run's first sale. `seed`, the gaps between sales in seconds and
    `stores` (ids of `stores.csv`, none for all) say what is sold when; `delivery_timeout` is how
    many seconds a lost broker is ridden out.
    """

    template_fields: Sequence[str] = (
        "seed",
        "minimum_gap",
        "maximum_gap",
        "stores",
        "duration_minutes",
        "ends_at",
        "delivery_timeout",
    )

    def __init__(
        self,
        *,
        seed: int | str,
        minimum_gap: float | str = 1.0,
        maximum_gap: float | str = 2.0,
        stores: Sequence[str] | str = (),
        duration_minutes: float | str | None = None,
        ends_at: datetime | str | None = None,
        delivery_timeout: float | str = 120.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.minimum_gap = minimum_gap
        self.maximum_gap = maximum_gap
        self.stores = stores
        self.duration_minutes = duration_minutes
        self.ends_at = ends_at
        self.delivery_timeout = delivery_timeout

    def _sales(self, corrida: str) -> "Sales":
        """The arguments, checked; raises AirflowFailException with one sentence."""
        from include.sales.content import SaleSource
        from include.sales.market import load_market
        from include.sales.pace import check_gaps

        try:
            sales = Sales(
                source=SaleSource(
                    load_market(), self._number("seed", int), corrida, self._stores()
                ),
                until=self._until(),
                minimum_gap=self._number("minimum_gap", float),
                maximum_gap=self._number("maximum_gap", float),
                delivery_timeout=self._positive("delivery_timeout"),
            )
            check_gaps(sales.minimum_gap, sales.maximum_gap)
        except (TypeError, ValueError) as error:
            raise AirflowFailException(f"Parámetro inválido: {error}") from error
        return sales

    def _stores(self) -> Sequence[str]:
        if isinstance(self.stores, str):
            raise TypeError(
                f"stores needs a list and is {self.stores!r}; the DAG needs "
                "render_template_as_native_obj=True for a templated one"
            )
        return self.stores

    def _until(self) -> datetime | timedelta:
        if not self.ends_at:
            return timedelta(minutes=self._positive("duration_minutes"))
        moment = self.ends_at
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if moment.tzinfo is None:
            raise ValueError(f"ends_at needs a time zone, and {self.ends_at!r} has none")
        return moment

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


class CheckSalesOperator(SalesOperator):
    """Refuses what the form's own schema cannot see, before a VM is started for nothing."""

    def execute(self, context: Context) -> None:
        """Fail with one sentence if a parameter is wrong."""
        self._sales(context["dag_run"].run_id)


class PublishSalesOperator(SalesOperator):
    """Publish a sale at a time until the window ends; the run's name is the DAG run's id.

    A retry or a cleared task goes on after the last sale that Kafka acknowledged and keeps the
    window's end.

    Returns `include.stream.session.Published` as a dict. A stop ends as failed, never as a success,
    with what is published as the XCom all the same. A lost broker may be retried; what a retry
    cannot mend is not.
    """

    template_fields: Sequence[str] = (
        *SalesOperator.template_fields,
        "kafka_conn_id",
        "topic",
        "ledger_topic",
    )

    def __init__(
        self,
        *,
        topic: str = "ventas",
        ledger_topic: str = "ventas.ledger",
        kafka_conn_id: str = "kafka_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topic = topic
        self.ledger_topic = ledger_topic
        self.kafka_conn_id = kafka_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Publish until the end of the window, and return what the run has published."""
        from include.stream.errors import KafkaUnreachableError, StreamError
        from include.stream.publisher import NotAcknowledgedError, SalePublisher
        from include.stream.reader import ReadStalledError
        from include.stream.session import WindowStoppedError, publish_window
        from ventas_airflow.hooks.kafka import KafkaConfigHook

        dag_run = context["dag_run"]
        sales = self._sales(dag_run.run_id)
        publisher = SalePublisher(
            KafkaConfigHook(self.kafka_conn_id).get_conn,
            sales.source.corrida,
            seed=sales.source.seed,
            transactional_id=f"{self.dag_id}/{sales.source.corrida}",
            delivery_timeout=sales.delivery_timeout,
            topic=self.topic,
            ledger_topic=self.ledger_topic,
            stopped=self._stop.is_set,
        )
        try:
            with publisher:
                published = publish_window(
                    publisher,
                    sales.source,
                    until=sales.until,
                    minimum_gap=sales.minimum_gap,
                    maximum_gap=sales.maximum_gap,
                    stop=self._stop,
                    # Clearing a task moves the run's start_date; its run_after stays.
                    since=dag_run.run_after - _CLOCK_SKEW,
                )
        except WindowStoppedError as error:
            self._push(context, error.published)
            raise AirflowFailException(_stopped(error.published)) from error
        except (KafkaUnreachableError, NotAcknowledgedError, ReadStalledError) as error:
            raise AirflowException(str(error)) from error
        except StreamError as error:
            raise AirflowFailException(str(error)) from error
        self.log.info("Fin de la ventana: %d ventas confirmadas", published.confirmadas)
        return published.to_dict()

    def on_kill(self) -> None:
        """Ask for a stop; may be called more than once.

        It runs in a signal handler on top of `execute`, which may just hold the event's lock: only
        another thread can wait for that.
        """
        threading.Thread(target=lambda: self._stop.set(), daemon=True).start()

    @cached_property
    def _stop(self) -> threading.Event:
        # Not made in __init__: Airflow copies operators, and an event cannot be copied.
        return threading.Event()

    def _push(self, context: Context, published: "Published") -> None:
        """Store the XCom of a task that fails; one that cannot be stored changes nothing else."""
        self.log.warning(_stopped(published))
        try:
            context["ti"].xcom_push(key="return_value", value=published.to_dict())
        except AirflowRuntimeError as error:
            self.log.warning("No se pudo guardar el XCom: %s", error)


def _stopped(published: "Published") -> str:
    return (
        f"Detenida a pedido: {published.confirmadas} ventas confirmadas, "
        f"{published.enviadas - published.confirmadas} sin confirmar"
    )
