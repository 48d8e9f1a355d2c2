"""`pin-images.sh`: it adds digests to the tags of images; Docker's client is a fake."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.compose.projects import BUILT

ROOT = Path(__file__).parents[3]
FILES = (
    "docker-compose.yaml",
    "deploy/image/Dockerfile",
    "deploy/astronomer/Dockerfile",
    ".github/workflows/nightly.yaml",
    ".github/workflows/push.yaml",
)
REFERENCE = re.compile(r"(?:image:|FROM) (?!ventas-)([a-z0-9._/-]+:[\w.-]+)(@\S+)?")

#: A fake `docker buildx imagetools inspect`: its digest is a hash of the image's name and DAY.
DOCKER = """#!/bin/sh
set -eu
[ "$1 $2 $3 $4 $5" = "buildx imagetools inspect --format {{.Manifest.Digest}}" ]
[ "$6" != "$REFUSED" ] || { echo "ERROR: $6: not found" >&2; exit 1; }
[ "$6" != "$SILENT" ] || exit 0
echo "$6" >>asked
printf 'sha256:'; printf '%s' "$6 $DAY" | sha256sum | cut -d ' ' -f 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*FILES, "pin-images.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").write_text(DOCKER)
    (tmp_path / "bin/docker").chmod(0o755)
    return tmp_path


def pin(folder: Path, **told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "pin-images.sh"],
        env={
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "DAY": "1",
            "REFUSED": "",
            "SILENT": "",
            **told,
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


def references(folder: Path) -> list[tuple[str, str]]:
    """Return each image with the digest behind its tag."""
    return [found for text in texts(folder).values() for found in REFERENCE.findall(text)]


def digest(image: str, day: str) -> str:
    return f"@sha256:{hashlib.sha256(f'{image} {day}'.encode()).hexdigest()}"


def test_every_image_gets_its_digest_and_nothing_else_changes(folder: Path) -> None:
    before = texts(folder)
    done = pin(folder)
    assert (done.returncode, done.stderr) == (0, "")
    found = references(folder)
    assert found == [(image, digest(image, "1")) for image, _ in found]
    assert done.stdout.splitlines() == sorted({image + pinned for image, pinned in found})
    for name, text in texts(folder).items():
        assert re.sub(r"@sha256:\w+", "", text) == re.sub(r"@sha256:\w+", "", before[name])
    asked = (folder / "asked").read_text().splitlines()
    assert len(asked) == len(set(asked))


def test_every_image_reference_of_the_files_is_pinned(folder: Path) -> None:
    pin(folder)
    services = yaml.safe_load(texts(folder)["docker-compose.yaml"])["services"].values()
    ours = [service["image"] for service in services if "@sha256:" not in service["image"]]
    assert set(ours) == {BUILT}
    for dockerfile in FILES[1:3]:
        bases = re.findall(r"^FROM (\S+)", texts(folder)[dockerfile], re.MULTILINE)
        assert [base for base in bases if "@sha256:" not in base] in ([], ["packages"])
    for workflow in FILES[3:]:
        jobs = yaml.safe_load(texts(folder)[workflow])["jobs"].values()
        assert all("@sha256:" in job["container"]["image"] for job in jobs if "container" in job)


def test_every_workflow_is_pinned() -> None:
    workflows = (ROOT / ".github/workflows").iterdir()
    assert sorted(FILES[3:]) == sorted(f".github/workflows/{file.name}" for file in workflows)


def test_existing_digest_is_replaced(folder: Path) -> None:
    pin(folder)
    assert pin(folder, DAY="2").returncode == 0
    found = references(folder)
    assert found == [(image, digest(image, "2")) for image, _ in found]


@pytest.mark.parametrize("how", ["REFUSED", "SILENT"])
def test_image_without_a_digest_fails_and_changes_no_file(folder: Path, how: str) -> None:
    before = texts(folder)
    done = pin(folder, **{how: "postgres:17.6"})
    assert done.returncode != 0
    assert "postgres:17.6" in done.stderr
    assert texts(folder) == before
