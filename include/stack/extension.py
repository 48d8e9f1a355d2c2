"""The stack's own Druid extension: compiled once from `extension/`, then kept in the cache."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from include.stack.java import compile_sources

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
        compile_sources(compiler, class_path, _SOURCES.glob("*.java"), classes)
        shutil.copytree(_SOURCES / _SERVICES, classes / _SERVICES)
        try:
            classes.replace(target)
        except OSError:
            # Another stack with the same cache may have been faster.
            if not target.exists():
                raise
