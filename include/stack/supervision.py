"""Start, stop and query the stack's supervisord and its processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from include.stack import environment
from include.stack.processes import supervisor_socket
from include.stack.settings import Settings
from include.waiting import wait_until

#: Environment variable that every process of a stack inherits, so that leftovers can be found.
MARK = "VENTAS_STACK"


@contextmanager
def supervisor(settings: Settings) -> Iterator[Any]:
    """Yield supervisord's XML-RPC interface, over its unix socket.

    Raises:
        OSError: supervisord does not run.
    """
    transport = SupervisorTransport(serverurl=f"unix://{supervisor_socket(settings)}")
    try:
        yield ServerProxy("http://127.0.0.1", transport=transport).supervisor
    finally:
        transport.close()


def is_running(settings: Settings) -> bool:
    """Return whether this stack's supervisord answers."""
    try:
        with supervisor(settings) as rpc:
            return bool(rpc.getState()["statename"] == "RUNNING")
    except OSError:
        return False


def start(settings: Settings, configuration: Path, variables: Mapping[str, str]) -> None:
    """Start supervisord as a daemon; it starts every group but the VM's.

    The processes inherit `variables` from supervisord, so that its configuration file has no
    secrets.
    """
    # A dead supervisord may leave its socket, and a new one would wait for that.
    supervisor_socket(settings).unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
        env={**environment.of_stack(settings), **variables, MARK: str(settings.home)},
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    wait_until(
        lambda: is_running(settings),
        f"supervisord at {supervisor_socket(settings)}",
        20,
        interval=0.05,
        log=settings.logs / "supervisord.log",
    )


def stop(settings: Settings, seconds: float = 90) -> list[int]:
    """Stop everything, in order; return the ids of the processes that outlived supervisord."""
    if is_running(settings):
        with supervisor(settings) as rpc:
            daemon = psutil.Process(rpc.getPID())
            rpc.shutdown()
        try:
            daemon.wait(seconds)
        except psutil.TimeoutExpired:
            daemon.kill()
    left = marked_processes(settings)
    for process in left:
        process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return [process.pid for process in left]


def process_states(settings: Settings) -> list[dict[str, Any]]:
    """Return supervisord's information on each process: name, group, statename, pid, logfile…"""
    with supervisor(settings) as rpc:
        states: list[dict[str, Any]] = rpc.getAllProcessInfo()
        return states


def marked_processes(settings: Settings, *, nested: bool = False) -> list[psutil.Process]:
    """Return every live process of this stack, whichever process started it.

    `nested` includes the processes of stacks whose folders are inside this one.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.pid != os.getpid()
                and _is_of(process, settings.home, nested=nested)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def _is_of(process: psutil.Process, home: Path, *, nested: bool) -> bool:
    folders = [process.environ().get(MARK, "")]
    # Airflow's processes that set their title overwrite their environment. They are recognised by
    # their working folder and their title: a person's shell may have the same working folder.
    if " ".join(process.cmdline()).startswith("airflow "):
        folders.append(process.cwd())
    if nested:
        return any(Path(folder).is_relative_to(home) for folder in folders if folder)
    return str(home) in folders
