"""The Druid VM as Compute Engine's API takes it."""

import json
from pathlib import Path
from typing import Any

_VM = Path(__file__).with_name("vm.json")


def vm_body(zone: str) -> dict[str, Any]:
    """The instance resource (REST, camelCase) for `instances.insert`; no external IP.

    `zone` may be a template: Airflow renders it where the task runs.
    """
    body: dict[str, Any] = json.loads(_VM.read_text(encoding="utf-8").replace("{zone}", zone))
    return body
