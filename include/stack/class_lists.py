"""Regenerate the class lists in `classes/`, from which the class-data archives are made.

It starts every Java process of the stack once, in a temporary folder, and records the classes that
each loads. Run it after a change of `jars.lock`: ``python -m include.stack.class_lists``
"""

import gzip
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx

from include.druid import runtime
from include.stack import extension, jars, processes, security
from include.stack.java import CLASS_LISTS, JavaProduct
from include.stack.settings import Settings
from include.waiting import wait_until

#: Class-file version of Java 6. Older classes crash JDK 17 if an archive has them ("Rewriter").
_JAVA_6 = 50


@dataclass(frozen=True)
class RecordingProduct(JavaProduct):
    """A product whose processes record the classes that they load."""

    def arguments(
        self, main: str, options: Iterable[str], *, extra: Sequence[Path] = ()
    ) -> list[str]:
        """Return the usual arguments, with the archive's flags replaced by the recorder's."""
        plain = [a for a in super().arguments(main, options, extra=extra) if "Archive" not in a]
        number = len(list(self.archive.parent.glob(f"{self.name}-*.lst")))
        file = self.archive.parent / f"{self.name}-{number}.lst"
        file.touch()
        return ["-Xshare:off", f"-XX:DumpLoadedClassList={file}", *plain]


def main() -> int:
    """Write one list per product and return the process's exit code."""
    settings = Settings.from_environment()
    class_paths = jars.fetch(jars.read_lock(), settings.cache / "maven")
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(settings, home=Path(folder))
        extension.compile_it(class_paths.pop("compiler"), class_paths["druid"], settings.cache)
        products = {
            name: RecordingProduct(name, tuple(paths), Path(folder) / f"{name}.jsa")
            for name, paths in class_paths.items()
        }
        _run_once(settings, products)
        for name, product in products.items():
            _write_list(name, product, Path(folder))
    return 0


def _run_once(settings: Settings, products: dict[str, RecordingProduct]) -> None:
    java = [p for p in processes.all_processes(settings, products) if "args" in p.command[-1]]
    key = {security.KEY_HEADER: security.druid_key(settings).read_text(encoding="utf-8")}
    started = [
        subprocess.Popen(p.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for p in java
    ]
    try:
        for service in runtime.SERVICES:
            url = settings.url(service)
            # Each process by itself: Druid's SQL is behind a proxy, which does not run here.
            wait_until(partial(_is_healthy, url, key), f"{service} at {url}", 180)
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)


def _is_healthy(url: str, headers: dict[str, str]) -> bool:
    try:
        answer = httpx.get(f"{url}/status/health", headers=headers, timeout=2, trust_env=False)
        return answer.text == "true"
    except httpx.HTTPError:
        return False


def _write_list(name: str, product: JavaProduct, folder: Path) -> None:
    too_old = _old_classes(product.class_path)
    classes = {
        line.split(" ")[0]
        for file in folder.glob(f"{name}-*.lst")
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.startswith(("#", "@"))
    }
    text = "\n".join(sorted(classes - too_old)) + "\n"
    CLASS_LISTS.mkdir(exist_ok=True)
    # Without a time stamp, the same classes give the same bytes.
    (CLASS_LISTS / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(
        f"{name}: {len(classes - too_old)} classes, {len(classes & too_old)} left out "
        "(older than Java 6)"
    )


def _old_classes(class_path: Sequence[Path]) -> set[str]:
    old = set()
    for jar in class_path:
        with zipfile.ZipFile(jar) as entries:
            for name in entries.namelist():
                if name.endswith(".class") and not name.startswith("META-INF"):
                    with entries.open(name) as content:
                        header = content.read(8)
                    if int.from_bytes(header[6:8]) < _JAVA_6:
                        old.add(name.removesuffix(".class"))
    return old


if __name__ == "__main__":
    sys.exit(main())
