"""The stack's own Druid extension: compiled once from `extension/`, then kept in the cache.

A Java runtime has no compiler. Eclipse's compiler is a single jar on Maven Central.
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
    """Return the folder of the compiled extension; its name changes with the sources."""
    identity = hashlib.sha256()
    for file in sorted(_SOURCES.rglob("*")):
        if file.is_file():
            identity.update(file.read_bytes())
    return cache / "classes" / f"extension-{identity.hexdigest()[:16]}"


def compile_it(compiler: Sequence[Path], class_path: Sequence[Path], cache: Path) -> None:
    """Compile the extension against Druid's class path, unless the cache has it already.

    Raises:
        subprocess.CalledProcessError: the compilation failed; its output is in `stderr`.
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
            # Another stack with the same cache may have been faster.
            if not target.exists():
                raise
