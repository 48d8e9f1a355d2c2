"""The jars of the embedded stack: fetched from Maven by coordinate, verified by SHA-256.

`jars.lock` is a tab-separated file with one jar per line: product (``druid``, ``kafka``, or the
``compiler`` of the extension), group, artifact, version, SHA-256. `python -m include.stack.relock`
regenerates it.
"""

import csv
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK_FILE = Path(__file__).with_name("jars.lock")
PRODUCTS = ("compiler", "druid", "kafka")
_THREADS = 8
_TRIES = 3


class JarError(RuntimeError):
    """A jar could not be fetched, or its content differs from the lock."""


@dataclass(frozen=True)
class LockedJar:
    """A line of `jars.lock`."""

    product: str
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """Maven's name for the jar: ``group:artifact:version``."""
        return f"{self.group}:{self.artifact}:{self.version}"


def read_lock(file: Path = LOCK_FILE) -> list[LockedJar]:
    """Return every locked jar, in the order of the file, which is that of the class path."""
    with file.open(newline="", encoding="utf-8") as lines:
        return [LockedJar(*row) for row in csv.reader(lines, delimiter="\t")]


def write_lock(jars: list[LockedJar], file: Path = LOCK_FILE) -> None:
    """Replace the lock file. Its lines are sorted, so that a new version is a one-line diff."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
        for jar in sorted(jars, key=lambda j: (j.product, j.coordinate)):
            writer.writerow([jar.product, jar.group, jar.artifact, jar.version, jar.sha256])


def sha256_of(file: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fetch(
    jars: list[LockedJar],
    cache: Path,
    on_progress: Callable[[LockedJar], None] = lambda _: None,
) -> dict[str, list[Path]]:
    """Fetch the jars that `cache` lacks, verify all, and return each product's class path.

    A cached jar is used only if it has the locked hash. A truncated or altered jar is removed and
    fetched again.

    Raises:
        JarError: a jar could not be fetched, or still differs from the lock after the last try.
    """
    # Its import takes longer than most commands, which fetch nothing.
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=cache, timeout=60)
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = {pool.submit(_fetch_one, context, jar): jar for jar in jars}
        try:
            paths = {}
            for done in as_completed(waiting):
                paths[waiting[done]] = done.result()
                on_progress(waiting[done])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {p: [paths[jar] for jar in jars if jar.product == p] for p in PRODUCTS}


def _fetch_one(context: "MavenContext", jar: LockedJar) -> Path:
    artifact = (
        context.project(jar.group, jar.artifact).at_version(jar.version).artifact(packaging="jar")
    )
    why = ""
    for _ in range(_TRIES):
        try:
            path: Path = artifact.resolve()
        except Exception as error:  # noqa: BLE001 - jgo raises whatever requests or the disk raise
            why = f"could not be fetched ({error})"
            continue
        found = sha256_of(path)
        if found == jar.sha256:
            return path
        path.unlink()
        why = f"has SHA-256 {found[:12]}…, but jars.lock has {jar.sha256[:12]}…"
    raise JarError(
        f"{jar.coordinate} {why}, after {_TRIES} tries: check the connection to Maven Central, "
        f"or run `python -m include.stack.relock` if the version changed."
    )
