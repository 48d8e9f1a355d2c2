"""A DAG run as the tasks after the publishing one see it: since when, and what it published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol

#: How far the clocks of Airflow, the workers and the broker may be apart, generously.
_CLOCK_SKEW = timedelta(minutes=10)

Published = Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | None
"""What the publishing tasks returned, as a template gives it: of a mapped task a list, but of a
single one Airflow gives no list; text or None if there was none."""


def earliest_record(dag_run: DagRunProtocol) -> datetime:
    """A moment before anything of the run was sent to Kafka."""
    # Clearing a task moves the run's start_date; its run_after stays.
    return dag_run.run_after - _CLOCK_SKEW


def each_published(published: Published) -> list[Mapping[str, Any]]:
    """`include.stream.session.Published` of each publishing task, as dicts; [] if there is none."""
    if not published or isinstance(published, str):
        return []
    return [published] if isinstance(published, Mapping) else list(published)
