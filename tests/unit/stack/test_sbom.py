"""The software bill of materials, and the script that makes it and checks for vulnerabilities."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.stack.jars import LockedJar, read_lock
from include.stack.sbom import with_jars
from include.stack.settings import ROOT

PYTHON: dict[str, Any] = {
    "specVersion": "1.6",
    "components": [{"bom-ref": "p", "name": "msgspec", "purl": "pkg:pypi/msgspec@1"}],
    "dependencies": [{"ref": "p"}],
}
#: A fake uv: it writes the document of cyclonedx-py and returns the exit code of pip-audit.
UV = """#!/bin/sh
set -eu
echo "$*" >>uv-calls
while [ $# -gt 0 ]; do
    [ "$1" != --output-file ] || echo "$SBOM" >"$2"
    [ "$1" != pip-audit@2.10.1 ] || exit "$FOUND"
    shift
done
"""


def test_document_has_the_packages_and_each_jar_once_with_its_hash() -> None:
    made = with_jars(PYTHON, read_lock())
    assert made["components"][0] == PYTHON["components"][0]
    jars = {component["purl"]: component for component in made["components"][1:]}
    assert len(jars) == len(made["components"]) - 1
    assert {component["hashes"][0]["content"] for component in jars.values()} == {
        jar.sha256 for jar in read_lock()
    }
    refs = [component["bom-ref"] for component in made["components"]]
    assert [dependency["ref"] for dependency in made["dependencies"]] == refs
    assert made["specVersion"] == "1.6"


def test_jar_of_two_products_is_one_component() -> None:
    jar = LockedJar("druid", "org.x", "y", "1.0", "ab" * 32)
    made = with_jars(PYTHON, [jar, replace(jar, product="kafka")])
    assert made["components"][1:] == [
        {
            "bom-ref": "pkg:maven/org.x/y@1.0",
            "type": "library",
            "group": "org.x",
            "name": "y",
            "version": "1.0",
            "purl": "pkg:maven/org.x/y@1.0",
            "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
        }
    ]


@pytest.mark.parametrize("found", [0, 1])
def test_audit_fails_if_pip_audit_fails_and_writes_the_document(tmp_path: Path, found: int) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in (".ci/audit", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "include").symlink_to(ROOT / "include")
    for name, text in [
        ("ventas", "#!/bin/sh\n"),
        (".venv/bin/uv", UV),
        (".venv/bin/python", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'),
    ]:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [tmp_path / ".ci/audit"],
        env={"PATH": os.environ["PATH"], "SBOM": json.dumps(PYTHON), "FOUND": str(found)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (found, "")
    purls = re.findall(r"pkg:(\w+)/", (tmp_path / "sbom.json").read_text())
    assert {"pypi", "maven"} == set(purls)
    assert "sbom.json: 1 packages," in done.stdout
    audit = (tmp_path / "uv-calls").read_text().splitlines()[-1].split()
    # --strict: a package that PyPI does not know fails the audit, instead of being skipped.
    assert {"--strict", "--require-hashes", "--disable-pip", "requirements.txt"} <= set(audit)
