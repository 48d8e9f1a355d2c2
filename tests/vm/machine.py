"""A throwaway Debian, with its own systemd as process 1, on which the VM's boot is tested.

Kernel namespaces separate its processes, mounts, cgroups, host name and network, which has only
loopback. It differs from a Compute Engine VM in three ways: it runs on this machine's kernel, it
may only read `/proc/sys` and `/sys`, and udev does not run, so `boot.sh` makes the data disk's
name.
"""

from __future__ import annotations

import hashlib
import os
import pty
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self

import psutil
import pytest

from include.waiting import Polling, wait_until

#: Packages of Compute Engine's Debian image that the startup script relies on.
BASE = "systemd,systemd-sysv,dbus,python3,curl,ca-certificates,e2fsprogs,diffutils,procps"
#: Packages that the script installs, from a local archive: the machine has no network.
OFFERED = ("openjdk-17-jre-headless",)
DISK = "/dev/disk/by-id/google-druid-data"

_BOOT = Path(__file__).with_name("boot.sh")


def skip_unless_possible() -> None:
    """Skip the test without root, or if a tool or a right is missing."""
    if os.geteuid() != 0:
        pytest.skip("only root can make namespaces and file systems: run the tests as root")
    missing = [
        f"{tool} (Debian package {package})"
        for tool, package in (
            ("debootstrap", "debootstrap"),
            ("unshare", "util-linux"),
            ("nsenter", "util-linux"),
            ("losetup", "mount"),
            ("mkfs.ext4", "e2fsprogs"),
        )
        if shutil.which(tool) is None
    ]
    if missing:
        pytest.skip(f"a throwaway Debian needs {', '.join(missing)}")
    for needed in (["unshare", "--mount", "--pid", "--net", "--cgroup", "true"], ["losetup", "-f"]):
        if subprocess.run(needed, capture_output=True).returncode:
            pytest.skip(f"a throwaway Debian needs what a container may lack: {' '.join(needed)}")


def base(cache: Path) -> Path:
    """Return the root of a Debian 12 made by debootstrap, which is kept in the cache."""
    identity = hashlib.sha256(f"{BASE} {OFFERED}".encode()).hexdigest()[:12]
    root = cache / f"debian-12-{identity}"
    if root.exists():
        return root
    making = cache / f"{root.name}.new"
    shutil.rmtree(making, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={BASE}", "bookworm", making],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"debootstrap could not fetch Debian 12: {made.stdout[-300:]}")
    _offer(making)
    making.rename(root)
    return root


def _offer(root: Path) -> None:
    """Download the packages, and make a local archive of them, the only one that apt knows."""
    fetch = ["install", "--yes", "--no-install-recommends", "--download-only", *OFFERED]
    cached = root / "var/cache/apt/archives"
    for deb in cached.glob("*.deb"):
        deb.unlink()
    subprocess.run(["chroot", root, "apt-get", "-qq", *fetch], check=True, capture_output=True)
    archive = root / "srv/apt"
    archive.mkdir(parents=True)
    entries = []
    for deb in cached.glob("*.deb"):
        shutil.move(deb, archive)
        file = archive / deb.name
        control = subprocess.run(
            ["chroot", root, "dpkg-deb", "--field", f"/srv/apt/{file.name}"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        entries.append(
            f"{control}Filename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest}\n"
        )
    (archive / "Packages").write_text("\n".join(entries), encoding="utf-8")
    (root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/apt ./\n")
    # Each machine makes its own id.
    (root / "etc/machine-id").write_text("")


class Machine:
    """One machine: a root as an overlay of the base, a data disk, and while it is on, processes."""

    def __init__(self, root: Path, disk: str, cgroup: Path) -> None:
        self.root = root
        self._disk = disk
        self._cgroup = cgroup
        self._process: subprocess.Popen[bytes] | None = None
        self._console = b""

    @property
    def console(self) -> str:
        """Output of its serial console since the machine was made."""
        return self._console.decode(errors="replace").replace("\r\n", "\n")

    @property
    def pid(self) -> int:
        """Process id, on the host, of the machine's process 1."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        assert children, f"the machine is off:\n{self.console}"
        return children[0].pid

    def boot(self) -> None:
        """Turn the machine on, and wait until systemd has finished."""
        self._cgroup.mkdir(exist_ok=True)
        terminal, console = pty.openpty()
        self._process = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "sh",
                _BOOT,
                self.root,
                os.ttyname(console),
                self._disk,
                self._cgroup,
            ],
            stdin=subprocess.DEVNULL,
            stderr=console,
        )
        threading.Thread(target=self._listen, args=(terminal,), daemon=True).start()
        os.close(console)
        for _ in Polling(300, interval=0.3):
            if self._process.poll() is not None:
                break
            if not psutil.Process(self._process.pid).children():
                continue  # `unshare` has not made process 1 yet
            state = self.run("systemctl", "is-system-running", check=False).strip()
            if state in ("running", "degraded"):
                return
        raise AssertionError(f"the machine did not boot:\n{self.console}")

    def off(self) -> None:
        """Turn the machine off at once, like a power failure."""
        if self._process is None:
            return
        # `unshare --kill-child`: process 1 ends with it, and all others with process 1.
        self._process.kill()
        self._process.wait(20)
        self._process = None
        for group in (*sorted(self._cgroup.rglob("*/"), reverse=True), self._cgroup):
            wait_until(partial(_is_removed, group), f"the end of {group}", 300)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command on the machine, and return its output."""
        done = subprocess.run(
            [*self.enter("-m", "-p", "-u", "-i", "-C", "-r", "-w"), *command],
            check=False,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def enter(self, *namespaces: str) -> list[str]:
        """Return the words before a command that run it in the machine's network."""
        return ["nsenter", "-t", str(self.pid), "-n", *namespaces]

    def _listen(self, terminal: int) -> None:
        while True:
            try:
                read = os.read(terminal, 65536)
            except OSError:  # no process has the console open any more
                break
            self._console += read
        os.close(terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.off()


def _is_removed(cgroup: Path) -> bool:
    if cgroup.exists():
        cgroup.rmdir()  # an OSError while a process of the group is ending
    return True


@contextmanager
def machine(cache: Path, folder: Path) -> Iterator[Machine]:
    """Make a machine in `folder`, turned off, with a blank data disk of 4 GiB."""
    root, upper, work = folder / "root", folder / "upper", folder / "work"
    for made in (root, upper, work):
        made.mkdir()
    overlay = f"lowerdir={base(cache)},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", overlay, root], check=True)
    try:
        disk = folder / "disk"
        with disk.open("wb") as file:
            file.truncate(4 * 2**30)
        found = ["losetup", "--find", "--show", str(disk)]
        loop = subprocess.run(found, check=True, capture_output=True, text=True).stdout.strip()
        try:
            with Machine(root, loop, _cgroups() / f"ventas-{os.getpid()}") as made_machine:
                yield made_machine
        finally:
            subprocess.run(["losetup", "--detach", loop], check=True)
    finally:
        subprocess.run(["umount", root], check=True)


def _cgroups() -> Path:
    """Return the host's folder of cgroup v2, which is another one if the host also has v1."""
    both = Path("/sys/fs/cgroup/unified")
    return both if both.exists() else Path("/sys/fs/cgroup")
