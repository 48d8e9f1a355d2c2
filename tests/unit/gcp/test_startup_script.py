"""`startup.sh`, also if the download or the archive is bad; `tests/vm` boots a whole Debian."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path

import pytest

from include.gcp import boot

ROOT = Path(__file__).parents[3]
UNIT = "etc/systemd/system/ventas-setup.service"

#: A fake curl: it outputs the file SERVED and exits with STATUS.
CURL = """#!/bin/sh
while [ $# -gt 0 ]; do
    [ "$1" != --output ] || out=$2
    shift
done
cat "$SERVED" >"${out:-/dev/stdout}"
exit "$STATUS"
"""


class Vm:
    """A folder in place of the VM's root, with `startup.sh` and fakes of two commands."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        script = (ROOT / "include/gcp/startup/startup.sh").read_text(encoding="utf-8")
        # Change only absolute paths, and not `/etc` within the archive's paths.
        script, changed = re.subn(r"""(?<=[=\s"])/(?=opt/|etc/)""", f"{folder}/", script)
        assert changed >= 4
        (folder / "startup.sh").write_text(script)
        (folder / "bin").mkdir()
        (folder / "tmp").mkdir()
        (folder / "etc/systemd/system").mkdir(parents=True)
        (folder / "opt").mkdir()
        for name, text in [("curl", CURL), ("systemctl", '#!/bin/sh\necho "systemctl $*"\n')]:
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)

    def start(self, served: bytes, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Boot with the metadata server's answer for `ventas-files`, and curl's exit status."""
        (self.root / "served").write_bytes(served)
        return subprocess.run(
            ["/bin/sh", self.root / "startup.sh"],
            env={
                "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
                "TMPDIR": str(self.root / "tmp"),
                "SERVED": str(self.root / "served"),
                "STATUS": str(status),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """Return the contents of all installed files, by path."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for folder in ("opt", "etc")
            for path in (self.root / folder).rglob("*")
            if path.is_file()
        }


@pytest.fixture
def vm(tmp_path: Path) -> Vm:
    return Vm(tmp_path)


GOOD = boot.metadata()["ventas-files"].encode()


def test_boot_unpacks_the_files_and_starts_the_setup(vm: Vm) -> None:
    done = vm.start(GOOD)
    assert (done.returncode, done.stderr) == (0, "")
    restart = "systemctl restart ventas-setup.service"
    assert done.stdout.splitlines() == ["systemctl daemon-reload", restart]
    assert vm.files()[UNIT] == vm.files()[f"opt/ventas/system/{UNIT}"]
    assert vm.start(GOOD).stdout.splitlines() == [restart]
    assert list((vm.root / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("served", "status"),
    [
        (b"", 22),
        (GOOD[: len(GOOD) // 2], 18),
        (GOOD, 56),
        (b"<html>not base64</html>", 0),
        (base64.b64encode(b"not an archive"), 0),
        (base64.b64encode(base64.b64decode(GOOD)[:2000]), 0),
        (b"", 0),
    ],
    ids=["refused", "cut-off", "reset-at-end", "a-page", "no-archive", "half-archive", "empty"],
)
def test_boot_with_bad_files_fails_and_keeps_the_previous_ones(
    vm: Vm, served: bytes, status: int
) -> None:
    vm.start(GOOD)
    before = vm.files()
    done = vm.start(served, status)
    assert done.returncode != 0
    assert "systemctl" not in done.stdout
    after = vm.files()
    assert {name: after[name] for name in before} == before
    # A later boot with good files repairs everything.
    assert vm.start(GOOD).returncode == 0
    assert vm.files() == before


def test_first_boot_without_files_starts_nothing(vm: Vm) -> None:
    done = vm.start(b"", 22)
    assert done.returncode == 22
    assert done.stdout == ""
    assert vm.files() == {}
