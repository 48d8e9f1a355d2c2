"""Base class of the publishing operators: opens the publisher, stops it, classifies errors."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRuntimeError

from include.texts import text
from ventas_airflow.operators.connections import TopicOperator
from ventas_airflow.operators.parameters import SalesOperator
from ventas_airflow.runs import Shard, transactional_id

if TYPE_CHECKING:
    from include.sales.content import SaleSource
    from include.stream.load import Progress
    from include.stream.publisher import SalePublisher
    from include.stream.session import Published


class PublishingOperator(TopicOperator, SalesOperator):
    """Base class of the operators that publish a run's events; a stopped task fails.

    The XCom of a stopped task is what it has published. A task that loses the broker is retried,
    but not a task with an error that a retry cannot solve.
    """

    template_fields: Sequence[str] = (
        *SalesOperator.template_fields,
        "kafka_conn_id",
        "topic",
        "ledger_topic",
    )

    def on_kill(self) -> None:
        """Ask for a stop; may be called more than once.

        It runs in a signal handler that interrupts `execute`, which may hold the event's lock at
        that moment: only another thread can wait for the lock.
        """
        threading.Thread(target=lambda: self._stop.set(), daemon=True).start()

    @cached_property
    def _stop(self) -> threading.Event:
        # Not created in __init__: Airflow copies operators, and an event cannot be copied.
        return threading.Event()

    @contextmanager
    def _publisher(
        self,
        context: Context,
        source: "SaleSource",
        delivery_timeout: float,
        *,
        shard: Shard | None = None,
        for_load: bool = False,
        before: Sequence[dict[str, Any]] = (),
    ) -> "Iterator[SalePublisher]":
        """Open a publisher of the run; turn its errors into failures with or without retries.

        `before`: results of the runs that the task has published before this one.
        """
        from include.stream.errors import KafkaUnreachableError, StreamError
        from include.stream.load import LOAD_CONFIG
        from include.stream.publisher import NotAcknowledgedError
        from include.stream.reader import ReadStalledError
        from include.stream.session import SESSION_CONFIG, WindowStoppedError
        from ventas_airflow.counted_publisher import CountedPublisher

        publisher = CountedPublisher(
            self._kafka_config(),
            source.corrida,
            dag_id=self.dag_id,
            seed=source.seed,
            choices=source.choices,
            transactional_id=transactional_id(self.dag_id, source.corrida, shard),
            delivery_timeout=delivery_timeout,
            topic=self.topic,
            ledger_topic=self.ledger_topic,
            tuning=LOAD_CONFIG if for_load else SESSION_CONFIG,
            stopped=self._stop.is_set,
        )
        try:
            with publisher:
                yield publisher
        except WindowStoppedError as error:
            self._push(context, error.published, before)
            raise AirflowFailException(_stopped(error.published)) from error
        except (KafkaUnreachableError, NotAcknowledgedError, ReadStalledError) as error:
            raise AirflowException(str(error)) from error
        except StreamError as error:
            raise AirflowFailException(str(error)) from error

    def _push_progress(self, context: Context, progress: "Progress") -> None:
        """Store the progress of a load in the task's XCom ``progress``."""
        context["ti"].xcom_push(key="progress", value=progress.to_dict())

    def _push(
        self, context: Context, published: "Published", before: Sequence[dict[str, Any]]
    ) -> None:
        """Store the XCom of a task that fails; if it cannot be stored, log a warning only."""
        self.log.warning(_stopped(published))
        try:
            result = published.to_dict()
            context["ti"].xcom_push("return_value", [*before, result] if before else result)
        except AirflowRuntimeError as error:
            self.log.warning("The XCom of the published events could not be stored: %s", error)


def _stopped(published: "Published") -> str:
    return text(
        "publishing.stopped",
        committed=published.committed,
        open=published.sent - published.committed,
    )
