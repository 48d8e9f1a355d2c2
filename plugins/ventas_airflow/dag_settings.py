"""Settings that all DAGs of the project share: names, descriptions, alerts and retries."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from include.texts import text
from ventas_airflow.alerts import leave_notice, send_alert

#: Retries of a task that publishes, or that watches the VM meanwhile. Each try goes on where the
#: last one ended, so a long task may well need more retries than other tasks: while the disk of
#: Airflow's logs is full, each try fails at once, so 30 last for about five minutes.
PUBLISHING_RETRIES: Final = 30


def dag_settings(file: str, *tags: str, **task_defaults: Any) -> dict[str, Any]:
    """Return the arguments of the DAG in a file, which has the file's name.

    Its documentation is the Markdown file of the same name. `tags` are keys of the texts `dag.tag`.
    `task_defaults` are default arguments of its tasks, in addition to those of every DAG.
    """
    path = Path(file)
    return {
        "dag_id": path.stem,
        "dag_display_name": text(f"dag.{path.stem}.title"),
        "description": text(f"dag.{path.stem}.description"),
        "doc_md": path.with_suffix(".md").read_text(encoding="utf-8"),
        "tags": [text(f"dag.tag.{tag}") for tag in ("sales", *tags)],
        "catchup": False,
        "max_active_runs": 1,
        "render_template_as_native_obj": True,
        "on_failure_callback": send_alert,
        "on_success_callback": send_alert,
        "default_args": {
            "owner": "ventas",
            "on_failure_callback": leave_notice,
            "retries": 2,
            "retry_delay": timedelta(seconds=10),
            **task_defaults,
        },
    }


def named(task_id: str) -> dict[str, Any]:
    """Return a task's id and its name for people, text `dag.task.<task_id>`."""
    return {"task_id": task_id, "task_display_name": text(f"dag.task.{task_id}")}
