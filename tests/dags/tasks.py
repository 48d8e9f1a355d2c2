"""Tasks of a parsed DAG, with the type of their operator."""

from __future__ import annotations

from typing import TypeVar

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator

Task = TypeVar("Task", bound=BaseOperator | MappedOperator)


def task_of(dag: DAG, task_id: str, operator: type[Task]) -> Task:
    """Return a task, which must be of this operator."""
    task = dag.get_task(task_id)
    assert isinstance(task, operator)
    return task
