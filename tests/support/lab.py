"""A real scheduler with the project's DAGs, which tests use through REST as a person would."""

import uuid
from collections.abc import Callable
from contextlib import suppress

import msgspec
from confluent_kafka import Consumer, TopicPartition

from include.druid.client import DruidError
from include.druid.queries import SQL, read_query
from include.names import BACKFILL_DAG, DATASOURCE, LEDGER_TOPIC, TOPIC, VALIDATION_DAG, WINDOW_DAG
from include.sales.event import Venta, decode
from include.stack import airflow, security
from include.stack.airflow_api import AirflowApi
from include.stack.settings import Settings
from include.stream.ledger import read_run
from include.stream.topics import TopicMissingError
from include.waiting import wait_until


class Lab:
    """The stack with clients of its services, and the waits that the tests share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.api = AirflowApi(settings.url("airflow"), airflow.USER, airflow.password(settings))
        self.druid = security.druid_client(settings, retries=0)
        self.kafka = security.kafka_config(settings)
        for dag in (WINDOW_DAG, BACKFILL_DAG):
            self.api.set_paused(dag, False)

    def open_window(self, **conf: object) -> str:
        run = self.api.trigger(WINDOW_DAG, {"duration_minutes": 10, "seed": 7, **conf})
        self.api.make_way(WINDOW_DAG, run)
        return run

    def validate(self, **conf: object) -> str:
        """Trigger a validation and return its run.

        Its DAG is paused until the first call, since scheduled validations take time of a core.
        """
        self.api.set_paused(VALIDATION_DAG, False)
        run = self.api.trigger(VALIDATION_DAG, conf)
        self.api.make_way(VALIDATION_DAG, run)
        return run

    def close_windows(self) -> None:
        """End the windows that the timetable has opened."""
        for run in self.api.active_runs(WINDOW_DAG):
            self.api.end_run(WINDOW_DAG, run)
        self.wait(lambda: not self.api.active_runs(WINDOW_DAG), "the end of the windows", 300)

    def live_window(self) -> str:
        """Return the window that a back-fill has triggered, and let it begin."""
        runs = self.api.active_runs(WINDOW_DAG)
        [run] = [run for run in runs if not run.startswith("scheduled__")]
        self.api.make_way(WINDOW_DAG, run)
        return run

    def end_of(self, dag: str, run: str, seconds: float = 600) -> str:
        return self.api.wait_for_end(dag, run, seconds)

    def task(self, run: str, task: str, dag: str = WINDOW_DAG) -> dict[str, object]:
        return next(t for t in self.api.tasks(dag, run) if t["task_id"] == task)

    def state(self, run: str, task: str) -> object:
        return self.task(run, task)["state"]

    def in_druid(self, run: str) -> int:
        """Return the number of rows of a run, 0 while Druid does not know the datasource."""
        try:
            rows = self.druid.sql(read_query(SQL / "reconcile" / "rows.sql", DATASOURCE), [run])
        except DruidError:
            return 0
        return int(rows[0]["row_count"])

    def in_kafka(self, run: str) -> int:
        """Return the number of a run's committed events, by the ledger; 0 without a ledger."""
        try:
            return read_run(self.kafka, LEDGER_TOPIC, run).total.eventos
        except TopicMissingError:
            return 0

    def events(self) -> list[Venta]:
        """Return the events of all runs, read by a plain Kafka client with `read_committed`."""
        consumer = Consumer(
            {
                **self.kafka,
                "group.id": uuid.uuid4().hex,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        partitions = consumer.list_topics(TOPIC, timeout=120).topics[TOPIC].partitions
        consumer.assign([TopicPartition(TOPIC, p, 0) for p in partitions])
        events: list[Venta] = []
        ended: set[int | None] = set()
        while len(ended) < len(partitions):
            message = consumer.poll(120)
            assert message is not None, "Kafka did not answer"
            if message.error():
                ended.add(message.partition())
            else:
                # Malformed records are not events.
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    events.append(decode(message.value() or b""))
        consumer.close()
        return events

    def event_ids(self, run: str) -> set[str]:
        """Return the distinct event ids of a run in Kafka."""
        return {event.id_evento for event in self.events() if event.corrida == run}

    def wait(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        wait_until(ready, what, seconds, log=self.settings.logs / "scheduler.log")
