"""The stack's own Druid extension: compiled once from `extension/`, then kept in the cache.

Java's compiler is no part of a Java runtime; Eclipse's is one jar of Maven Central.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from include.stack import environment
from include.stack.java import write_argument_file

_SOURCES: Final = Path(__file__).with_name("extension")
_SERVICES: Final = "META-INF"


def folder(cache: Path) -> Path:
    """Where the compiled extension belongs; the name changes with its sources."""
    identity = hashlib.sha256()
    for file in sorted(_SOURCES.rglob("*")):
        if file.is_file():
            identity.update(file.read_bytes())
    return cache / "classes" / f"extension-{identity.hexdigest()[:16]}"


def compile_it(compiler: Sequence[Path], class_path: Sequence[Path], cache: Path) -> None:
    """Compile the extension for a Druid of this class path, unless it is there already.

    Raises:
        subprocess.CalledProcessError: the compiler refused; its output is in `stderr`.
    """
    target = folder(cache)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        classes = Path(made) / "classes"
        command = write_argument_file(
            Path(made) / "arguments",
            [
                *("-cp", ":".join(str(jar) for jar in compiler)),
                "org.eclipse.jdt.internal.compiler.batch.Main",
                *("--release", "17", "-cp", ":".join(str(jar) for jar in class_path)),
                *("-d", str(classes), *(str(file) for file in _SOURCES.glob("*.java"))),
            ],
        )
        subprocess.run(command, env=environment.own(), check=True, capture_output=True, text=True)
        shutil.copytree(_SOURCES / _SERVICES, classes / _SERVICES)
        try:
            classes.replace(target)
        except OSError:
            # Another stack with this cache was sooner.
            if not target.exists():
                raise
