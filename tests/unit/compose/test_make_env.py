"""`make-env.sh`: it makes random secrets for the Compose file, once."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECRETS = re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("make-env.sh", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, umask: int = 0o022) -> dict[str, str]:
    """Run the script as a reader would; return `.env` as Compose reads it: the last line wins."""
    subprocess.run([folder / "make-env.sh"], check=True, cwd="/", capture_output=True, umask=umask)
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_every_secret_gets_a_long_value_that_differs_from_the_others(folder: Path) -> None:
    made = make(folder)
    assert list(made) == SECRETS
    assert len(set(made.values())) == len(SECRETS)
    assert len(base64.urlsafe_b64decode(made.pop("AIRFLOW_FERNET_KEY"))) == 32
    for name, value in made.items():
        assert re.fullmatch("[0-9a-f]{48}", value), name


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_env_file_is_readable_only_by_its_owner(
    folder: Path, umask: int, before: int | None
) -> None:
    if before is not None:
        (folder / ".env").touch()
        (folder / ".env").chmod(before)
    make(folder, umask)
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_failed_random_source_leaves_no_secret_and_a_private_file(folder: Path) -> None:
    (folder / "head").write_text("#!/bin/sh\nexit 1\n")
    (folder / "head").chmod(0o755)
    (folder / ".env").touch()
    (folder / ".env").chmod(0o666)
    done = subprocess.run(
        [folder / "make-env.sh"],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"make-env.sh: no random value for {SECRETS[0]}:")
    assert (folder / ".env").read_text() == ""
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_two_runs_share_no_secret(folder: Path) -> None:
    first = make(folder)
    (folder / ".env").unlink()
    second = make(folder)
    assert not set(first.values()) & set(second.values())


def test_existing_values_stay_and_missing_ones_are_added(folder: Path) -> None:
    # The last line has no newline, and one secret has a name but no value.
    (folder / ".env").write_text(
        "AIRFLOW_JWT_SECRET=\nVENTAS_PORT_ROUTER=9\nPOSTGRES_PASSWORD=mine"
    )
    made = make(folder)
    assert (made["POSTGRES_PASSWORD"], made["VENTAS_PORT_ROUTER"]) == ("mine", "9")
    assert all(made[name] for name in SECRETS)
    assert make(folder) == made
