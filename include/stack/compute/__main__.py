"""Run the Compute Engine emulator: ``python -m include.stack.compute --help``."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from include.stack.compute.app import create_app
from include.stack.compute.emulator import Emulator, StateFileError
from include.stack.compute.power import SupervisorGroups

LOOPBACK = ("127.0.0.1", "::1", "localhost")

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
  autostart = false"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal arrives; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        family = socket.AF_INET6 if options.host == "::1" else socket.AF_INET
        listener = socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        print(
            f"The emulator cannot listen on {options.host}:{options.port} ({error.strerror}): "
            "free the port or give another with --port",
            file=sys.stderr,
        )
        return 1
    power = SupervisorGroups(options.supervisor_socket, options.group or ["druid"])
    try:
        emulator = Emulator(power, options.state)
    except (StateFileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    shown = f"[{options.host}]" if ":" in options.host else options.host
    print(f"Compute Engine emulator at http://{shown}:{listener.getsockname()[1]}", flush=True)
    # Clients in a long operations.wait must not delay the end of the server.
    config = uvicorn.Config(create_app(emulator), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.stack.compute",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--host",
        choices=LOOPBACK,
        default=LOOPBACK[0],
        help="loopback address to listen on; there is no authentication, so no other is taken",
    )
    parser.add_argument(
        "--port", type=int, required=True, help="port to listen on; 0 takes a free one"
    )
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON file that keeps instances and operations between runs; made if missing",
    )
    parser.add_argument(
        "--supervisor-socket",
        type=Path,
        required=True,
        metavar="PATH",
        help="unix socket of the supervisord that keeps the process group",
    )
    parser.add_argument(
        "--group",
        action="append",
        help="supervisord's process group (default: druid); given several times, they start in "
        "this order and stop in the reverse",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
