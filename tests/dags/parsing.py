"""Parses DAG files as Airflow's DAG processor does, and reports the time and look-ups of each.

It runs as a separate process: ``python -m tests.dags.parsing FILE...`` prints `Parsed` as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from include.stack.settings import ROOT

#: Libraries with slow imports, or with clients of services: only running tasks may import them.
HEAVY = (
    "airflow.providers.apache.kafka",
    "airflow.providers.google",
    "confluent_kafka",
    "google.cloud",
    "googleapiclient",
    "grpc",
    "include.stack",
    "numpy",
    "pandas",
    "pydruid",
)


@dataclasses.dataclass(frozen=True)
class Parsed:
    """Result of parsing a file.

    Attributes:
        errors: import errors by file.
        dags: ids of the DAGs in the file.
        share: processor time, relative to that of importing Airflow on the same machine.
        imported: libraries of `HEAVY` that the file imported and Airflow itself did not.
        lookups: connections and variables that the file looked up.
        queries: SQL statements that the file ran.
    """

    errors: dict[str, str]
    dags: list[str]
    share: float
    imported: list[str]
    lookups: list[str]
    queries: list[str]


def parse_apart(files: Sequence[Path], home: Path) -> list[Parsed]:
    """Parse in a fresh process whose Airflow home is `home`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_")}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__SECRETS__BACKEND": "tests.dags.recording_secrets.RecordingSecrets",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
    }
    command = [sys.executable, "-m", __name__, *map(str, files)]
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [Parsed(**parsed) for parsed in json.loads(done.stdout.splitlines()[-1])]


def parse_each(files: Sequence[str]) -> list[Parsed]:
    """Parse each file in its own fork of this process, which has not used Airflow before.

    As in the DAG processor, Airflow and its plugins are imported before a file is parsed, and the
    imports of one file are not there for the next.
    """
    started = time.process_time()
    from airflow import plugins_manager, sdk
    from airflow.dag_processing.dagbag import DagBag

    assert sdk.DAG is not None
    assert DagBag is not None
    plugins_manager.ensure_plugins_loaded()
    unit = time.process_time() - started
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as copies:
        return copies.starmap(parse, [(file, unit) for file in files], chunksize=1)


def parse(file: str, unit: float) -> Parsed:
    """Parse a file in this process; `unit`: processor seconds of importing Airflow."""
    from airflow.dag_processing.dagbag import DagBag
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from tests.dags.recording_secrets import ASKED

    queries: list[str] = []
    event.listen(
        Engine, "before_cursor_execute", lambda _c, _cur, statement, *_: queries.append(statement)
    )
    before = set(sys.modules)
    started = time.process_time()
    bag = DagBag(dag_folder=Path(file))
    seconds = time.process_time() - started
    new = set(sys.modules) - before
    return Parsed(
        errors=bag.import_errors,
        dags=sorted(bag.dags),
        share=seconds / unit,
        imported=[
            name for name in HEAVY if any(m == name or m.startswith(f"{name}.") for m in new)
        ],
        lookups=ASKED,
        queries=queries,
    )


if __name__ == "__main__":
    print(json.dumps([dataclasses.asdict(parsed) for parsed in parse_each(sys.argv[1:])]))
