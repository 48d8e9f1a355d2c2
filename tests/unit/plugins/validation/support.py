"""Helpers that run the validation's operators outside of a worker."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from tests.unit.stack.compute.support import PROJECT, ZONE

VM = {"project_id": PROJECT, "zones": ZONE, "resource_id": "druid"}

#: The same VM as arguments of the hook's own methods.
IN_ZONE = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}


class Pushed:
    """Stand-in for the task instance, which keeps the XCom."""

    value: dict[str, Any]

    def xcom_push(self, key: str, value: dict[str, Any]) -> None:
        assert key == "return_value"
        self.value = value


def execute(operator: BaseOperator, ti: Pushed) -> dict[str, Any]:
    """Run an operator once, like one try of its task."""
    value: dict[str, Any] = operator.execute({"ti": ti})  # type: ignore[typeddict-item]
    return value
