"""Software bill of materials: ``python -m include.stack.sbom < PYTHON.json > sbom.json``.

The input is the CycloneDX document that `cyclonedx-py` makes from `requirements.txt`. The output
also has the jars of `jars.lock`. `.ci/audit` runs both programs.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

from include.stack import jars


def with_jars(document: dict[str, Any], locked: Iterable[jars.LockedJar]) -> dict[str, Any]:
    """Return a CycloneDX document with the jars added, each once even if two products have it."""
    by_coordinate = {jar.coordinate: jar for jar in locked}
    components = [_component(jar) for _, jar in sorted(by_coordinate.items())]
    return {
        **document,
        "components": document["components"] + components,
        "dependencies": document["dependencies"] + [{"ref": c["bom-ref"]} for c in components],
    }


def _component(jar: jars.LockedJar) -> dict[str, Any]:
    purl = f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}"
    return {
        "bom-ref": purl,
        "type": "library",
        "group": jar.group,
        "name": jar.artifact,
        "version": jar.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": jar.sha256}],
    }


def main() -> int:
    """Read the document from standard input and write it, with the jars, to standard output."""
    json.dump(with_jars(json.load(sys.stdin), jars.read_lock()), sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
