"""Regenerate `jars.lock` from the poms in `maven/`. Only this module needs Maven.

Usage: ``python -m include.stack.relock``
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from include.stack.jars import PRODUCTS, LockedJar, sha256_of, write_lock

POMS = Path(__file__).with_name("maven")


def resolve(product: str, folder: Path) -> list[LockedJar]:
    """Let Maven copy the runtime dependencies of a product's pom into `folder`; hash each jar."""
    shutil.copy(POMS / f"{product}.xml", folder / "pom.xml")
    subprocess.run(
        [
            *("mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", "-DoutputDirectory=jars"),
            "-Dmdep.useRepositoryLayout=true",
        ],
        cwd=folder,
        check=True,
    )
    found = []
    for jar in (folder / "jars").rglob("*.jar"):
        *group, artifact, version, _ = jar.relative_to(folder / "jars").parts
        found.append(LockedJar(product, ".".join(group), artifact, version, sha256_of(jar)))
    return found


def main() -> int:
    """Write the lock file and return the process's exit code."""
    if shutil.which("mvn") is None:
        print("relock needs Maven: install it, so that `mvn` is on the PATH.", file=sys.stderr)
        return 1
    locked: list[LockedJar] = []
    for product in PRODUCTS:
        with tempfile.TemporaryDirectory() as folder:
            locked += resolve(product, Path(folder))
    write_lock(locked)
    print(f"{len(locked)} jars locked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
