"""The moment by which a run should have ended; Airflow alerts if it has not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.definitions.deadline import BaseDeadlineReference

from ventas_airflow.form import DURATION

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(eq=False)
class PlannedEnd(BaseDeadlineReference):
    """The moment at which a window is planned to end, as its form or its timetable says.

    A triggered window counts from its `run_after`; a window in mode `load` has no planned end, so
    it has no deadline. Airflow evaluates it once, when the run is created.

    :param minutes: minutes that a triggered window lasts if its form gives no duration
    """

    minutes: float = DURATION.default

    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    def serialize_reference(self) -> dict[str, Any]:
        return {**super().serialize_reference(), "minutes": self.minutes}

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> PlannedEnd:
        return cls(reference_data["minutes"])

    def _evaluate_with(self, *, session: Session, dag_id: str, run_id: str) -> datetime | None:
        # Only when a run is created, and not when a DAG is parsed.
        from airflow.models import DagRun
        from sqlalchemy import select

        from include.page.flow_rules import planned_end

        # It has the fields of `flow_rules.Run`.
        run: Any = session.scalars(
            select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
        ).one()
        return planned_end(run, {DURATION.name: self.minutes}, run.run_after)
