"""A DAG run as the tasks after publishing see it: when it began, and what it published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.names import CLOCK_SKEW

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol

Shard = dict[str, int]
"""Sales of a load that one task publishes: `{"start", "stop"}`, the number of the first sale, and
of the sale after the last."""

Published = Mapping[str, Any] | Sequence["Published"] | str | None
"""Results of the publishing tasks, as a template renders them: a list for a mapped task, but a
single result if it had one instance only; text or None if no task published. A task that publishes
several runs has a list of results."""


def earliest_record(dag_run: DagRunProtocol) -> datetime:
    """Return a moment before the first record of the run was sent to Kafka."""
    # Clearing a task moves the run's start_date; its run_after stays.
    return dag_run.run_after - CLOCK_SKEW


def transactional_id(dag_id: str, run: str, shard: Shard | None = None) -> str:
    """Return the `transactional.id` of the producer of a run, or of one shard of a load."""
    return f"{dag_id}/{run}/{shard['start']}" if shard else f"{dag_id}/{run}"


def each_published(published: Published) -> list[Mapping[str, Any]]:
    """Return `include.stream.session.Published` of each publishing task, as dicts."""
    if not published or isinstance(published, str):
        return []
    if isinstance(published, Mapping):
        return [published]
    return [run for part in published for run in each_published(part)]
