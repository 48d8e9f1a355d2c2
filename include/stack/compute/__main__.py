"""Run the Compute Engine emulator: ``python -m include.stack.compute --help``."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from include.stack.compute.app import KEEP_ALIVE, create_app
from include.stack.compute.emulator import Emulator, StateFileError
from include.stack.compute.process_group import AlwaysOn, ProcessGroup, SupervisorGroups

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - only inside a container, see --container

DESCRIPTION = """\
A local server that speaks the Compute Engine v1 API for instances and zone operations.
Its one virtual machine is a process group kept by supervisord, or several: inserting or
starting the instance starts them, stopping or deleting it stops them."""

EPILOG = """\
example:
  python -m include.stack.compute --port 8095 --state .ventas/compute.json \\
      --supervisor-socket .ventas/supervisor.sock

then, from anything that uses Google's clients, set the API endpoint and no credentials:
  InstancesClient(credentials=AnonymousCredentials(),
                  client_options={"api_endpoint": "http://127.0.0.1:8095"})

supervisord's configuration must have the group, with its programs not started by themselves:
  [group:druid]
  programs = druid-coordinator, druid-broker, ...
  [program:druid-coordinator]
  autostart = false

faults, if started with --faults (JSON; see include/stack/compute/injected_errors.py for the codes):
  POST   /faults         {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "zones": ["us-east1-b"]}
  POST   /faults         {"code": "backendError", "methods": ["instances.get"], "times": 3}
  POST   /interruptions  {"project": "...", "zone": "...", "instance": "...",
                          "kind": "compute.instances.hostError"}
  DELETE /faults         removes all faults"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal arrives; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.always_on and options.group:
        parser.error("--group names a group of supervisord: remove it, or remove --always-on")
    host = EVERY_INTERFACE if options.container else options.host
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        family = socket.AF_INET6 if host == "::1" else socket.AF_INET
        listener = socket.create_server((host, options.port), family=family)
    except OSError as error:
        print(
            f"The emulator cannot listen on {host}:{options.port} ({error.strerror}): "
            "free the port, or choose another one with --port",
            file=sys.stderr,
        )
        return 1
    power: ProcessGroup = (
        AlwaysOn()
        if options.always_on
        else SupervisorGroups(options.supervisor_socket, options.group or ["druid"])
    )
    try:
        emulator = Emulator(power, options.state)
    except (StateFileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    shown = options.container or (f"[{host}]" if ":" in host else host)
    print(f"Compute Engine emulator at http://{shown}:{listener.getsockname()[1]}", flush=True)
    # A request in progress must not delay the server's shutdown for long.
    names = [options.container] if options.container else []
    app = create_app(emulator, names, faulty=options.faults)
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.stack.compute",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    address = parser.add_mutually_exclusive_group()
    address.add_argument(
        "--host",
        choices=LOOPBACK,
        default=LOOPBACK[0],
        help="loopback address to listen on; other addresses are refused, because the emulator "
        "asks for no login",
    )
    address.add_argument(
        "--container",
        metavar="NAME",
        help="only inside a container: listen on all interfaces, and also answer to the host name "
        "NAME, which other containers use; do not publish the port",
    )
    parser.add_argument(
        "--port", type=int, required=True, help="port to listen on; 0: any free port"
    )
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON file that keeps instances and operations between runs; created if missing",
    )
    control = parser.add_mutually_exclusive_group(required=True)
    control.add_argument(
        "--supervisor-socket",
        type=Path,
        metavar="PATH",
        help="unix socket of the supervisord that keeps the process group",
    )
    control.add_argument(
        "--always-on",
        action="store_true",
        help="control no process group: Druid runs all the time, and the emulator only shows the "
        "instance's statuses",
    )
    parser.add_argument(
        "--group",
        action="append",
        help="supervisord's process group (default: druid); several groups start in the given "
        "order and stop in the reverse order",
    )
    parser.add_argument(
        "--faults",
        action="store_true",
        help="for tests: add the routes /faults and /interruptions, which inject a cloud's faults",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
