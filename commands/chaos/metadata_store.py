"""Lock Druid's metadata store, which is Derby, as a backup or another long transaction does."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from include.stack import jars, security
from include.stack.java import compile_sources, write_argument_file
from include.stack.settings import HOST, Settings

_SOURCE: Final = Path(__file__).with_name("LockTables.java")
_TABLES: Final = ("DRUID_DATASOURCE", "DRUID_SEGMENTS", "DRUID_PENDINGSEGMENTS", "DRUID_TASKS")
"""The offsets that are published, the segments, those that tasks write to, and the tasks."""


@contextmanager
def metadata_locked(settings: Settings) -> Iterator[None]:
    """Let Druid neither read nor write its offsets, segments and tasks during the block.

    Raises:
        subprocess.CalledProcessError: Derby did not lock the tables; its answer is in `stderr`.
    """
    paths = jars.fetch(jars.read_lock(), settings.cache / "maven")
    properties = security.druid_properties(settings)
    login = [properties[f"druid.metadata.storage.connector.{it}"] for it in ("user", "password")]
    database = settings.home / "druid" / "metadata"
    address = f"jdbc:derby://{HOST}:{settings.ports['derby']}/{database}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compile_sources(paths["compiler"], (), [_SOURCE], folder / "classes")
        class_path = ":".join(str(path) for path in (*paths["druid"], folder / "classes"))
        # The file, unlike a command line, is for this user only.
        command = write_argument_file(
            folder / "arguments",
            ["-cp", class_path, _SOURCE.stem, address, *login, *_TABLES],
        )
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as holder:
            try:
                assert holder.stdout  # noqa: S101 - a pipe was asked for
                if not holder.stdout.readline():
                    _, said = holder.communicate()
                    raise subprocess.CalledProcessError(holder.returncode, _SOURCE.stem, None, said)
                yield
            finally:
                # The end of its input ends the lock.
                holder.communicate()
