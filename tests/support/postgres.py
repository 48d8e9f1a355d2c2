"""A PostgreSQL server of Debian, with an empty data folder, on a port of 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from include.waiting import wait_until

#: Its superuser.
USER: Final = "postgres"


def tools() -> Path | None:
    """Return the folder of the newest server's programs; None if the package is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running(folder: Path, password: str, *options: str) -> Iterator[int]:
    """Run a server that asks for passwords, and yield its port.

    PostgreSQL refuses to run as root: then `nobody` runs it, and gets the folder.

    Args:
        folder: an empty folder for its files, which the account can enter.
        password: the superuser's.
        options: more options of the program `postgres`.
    """
    programs = tools()
    assert programs, "PostgreSQL is not installed (Debian package postgresql)"
    account = "nobody" if os.geteuid() == 0 else None
    data, secret = folder / "data", folder / "password"
    secret.touch(0o600)
    secret.write_text(password)
    if account:
        for path in (folder, secret):
            shutil.chown(path, account)
    subprocess.run(
        [
            *(programs / "initdb", "--no-sync", "--pgdata", data),
            *("--auth=scram-sha-256", f"--pwfile={secret}", f"--username={USER}"),
        ],
        user=account,
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
    )
    secret.unlink()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    # Without a unix socket, whose path could be too long.
    address = ["-k", "", "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *address, *options],
            user=account,
            cwd="/",
            stdout=log,
            stderr=log,
        )
    ready = ["--quiet", "--host=127.0.0.1", f"--port={port}"]

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text()
        return subprocess.run([programs / "pg_isready", *ready], check=False).returncode == 0

    try:
        wait_until(answers, "PostgreSQL", 120)
        yield port
    finally:
        # A smart shutdown, by SIGTERM, would wait for its clients.
        server.send_signal(signal.SIGINT)
        server.wait(60)
