"""What the operators of the validation need around them, outside a worker."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from tests.unit.stack.compute.support import PROJECT, ZONE

VM = {"project_id": PROJECT, "zones": ZONE, "resource_id": "druid"}

#: The same, for the hook's own methods.
IN_ZONE = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}


class Pushed:
    """Stands in for the task instance outside a worker: keeps the XCom."""

    value: dict[str, Any]

    def xcom_push(self, key: str, value: dict[str, Any]) -> None:
        assert key == "return_value"
        self.value = value


def execute(operator: BaseOperator, ti: Pushed) -> dict[str, Any]:
    """Run a task's operator once, as one try of it does."""
    value: dict[str, Any] = operator.execute({"ti": ti})  # type: ignore[typeddict-item]
    return value
