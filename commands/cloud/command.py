"""Deploy to Google Cloud and Confluent Cloud: plan, check, make, rotate, restore, remove.

  ./ventas cloud plan --project my-project   what would be made, and what it costs a month
  ./ventas cloud doctor                      every check, a line each: what is wrong, what to do
  ./ventas cloud up                          makes what is missing, in order
  ./ventas cloud rotate                      new passwords for Druid
  ./ventas cloud restore --snapshot NAME     Druid's data disk again, from a snapshot
  ./ventas cloud down                        removes what `up` made, but not the data

Every action may be interrupted at any time and run again. The settings are in
terraform/terraform.tfvars.json, which Terraform reads too; it holds no secret. Google's login is
the one of `gcloud auth application-default login`; Confluent's is a Cloud API key in
CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET."""

import argparse
from collections.abc import Callable
from typing import Any, Final

import httpx
from rich.console import Console
from rich.markup import escape

from commands.cloud import costs
from include.cloud import deploy, deployment, doctor
from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError
from include.cloud.resources import title
from include.cloud.rest import Clock, Confluent, Google
from include.cloud.restore import restore
from include.cloud.rotate import rotate
from include.stack.settings import Settings
from include.texts import terminal_language, terminal_text

_TUNNEL: Final = "http://127.0.0.1:8888"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an action for each thing that the command does, with its options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    for name, action in _ACTIONS.items():
        text = " ".join((action.__doc__ or "").split())
        added = actions.add_parser(name, help=text.partition(":")[0], description=text)
        _add_action_options(name, added)


def _add_action_options(name: str, parser: argparse.ArgumentParser) -> None:
    if name == "plan":
        parser.add_argument("--project", metavar="P", help="id of the Google Cloud project")
        parser.add_argument("--zone", metavar="Z", help="zone of the VM, e.g. southamerica-east1-a")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="another variable of terraform/variables.tf; VALUE is JSON or text, e.g. "
            "create_vm=true or 'airflow_ranges=[\"10.80.0.0/24\"]'",
        )
    if name in ("doctor", "rotate"):
        parser.add_argument(
            "--druid",
            default=_TUNNEL,
            metavar="URL",
            help="address of Druid's router, by default the tunnel's local end (%(default)s)",
        )
    if name == "restore":
        parser.add_argument("--snapshot", required=True, metavar="NAME", help="the snapshot's name")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="delete the present data disk first; what is on it is lost",
        )
    if name == "down":
        parser.add_argument(
            "--delete-data",
            action="store_true",
            help="also delete Druid's data disk, the bucket, the passwords and Confluent's cluster",
        )
        parser.add_argument(
            "--yes-delete",
            default="",
            metavar="PROJECT",
            help="the project's id, which --delete-data asks for",
        )


def run(options: argparse.Namespace, _: Settings, console: Console) -> int:
    """Do the action; print the sentence of an error and return 1."""
    try:
        return _ACTIONS[options.action](options, console)
    except CloudError as error:
        told = f"[bold red]ventas:[/] {escape(error.text(terminal_language()))}"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        Console(stderr=True).print(f"[bold red]ventas:[/] {_said('interrupted')}", soft_wrap=True)
        return 130


def clouds(options: argparse.Namespace, console: Console) -> Cloud:
    """Return the clouds of the settings."""
    clock = Clock()
    return Cloud(
        deployment.load(),
        Google(clock),
        lambda: Confluent(clock),
        druid=httpx.Client(base_url=getattr(options, "druid", _TUNNEL), timeout=10),
        clock=clock,
        tell=lambda key, **values: _tell(console, key, **values),
    )


def _plan(options: argparse.Namespace, console: Console) -> int:
    """List every resource and what it costs a month: plan writes the given settings and changes
    nothing in any cloud.
    """
    given = deployment.parse(options.set)
    named = {"project": options.project, "zone": options.zone}
    deployment.change(given | {name: value for name, value in named.items() if value})
    cloud = clouds(options, console)
    for planned in deploy.plan(cloud):
        _print(console, _state(planned), planned.resource.kind, planned.resource.name)
    for line in costs.month(cloud.deployment):
        console.print(line, highlight=False, soft_wrap=True)
    return 0


def _doctor(options: argparse.Namespace, console: Console) -> int:
    """Run every check, a line each: an error says in one sentence what is wrong and what to do. To
    list the ACLs, doctor makes a temporary key of the Kafka cluster, and deletes it.
    """
    errors = 0
    for result in doctor.diagnose(clouds(options, console)):
        state = "ok" if result.error is None else "error" if result.checked else "not_checked"
        errors += state == "error"
        reason = result.error.text(terminal_language()) if result.error else ""
        _print(console, state, result.check.kind, result.check.name, reason)
    console.print(_said("errors" if errors else "no_errors", errors=errors), highlight=False)
    return 1 if errors else 0


def _up(options: argparse.Namespace, console: Console) -> int:
    """Make what is missing, in order: up also generates Druid's passwords and Kafka's keys, stores
    them in Secret Manager, and writes Airflow's connections there.
    """
    deploy.up(clouds(options, console))
    console.print(_said("up_done"), highlight=False, soft_wrap=True)
    return 0


def _rotate(options: argparse.Namespace, console: Console) -> int:
    """Change Druid's passwords in Druid, in Secret Manager and in the connections: rotate starts
    the VM if it is off and restarts it at the end, so run it between two windows.
    """
    rotate(clouds(options, console))
    console.print(_said("rotate_done"), highlight=False, soft_wrap=True)
    return 0


def _restore(options: argparse.Namespace, console: Console) -> int:
    """Make Druid's data disk again from a snapshot: the disk's type is one that the machine type
    takes.
    """
    cloud = clouds(options, console)
    disk_type = restore(cloud, options.snapshot, replace=options.replace)
    name = f"{cloud.deployment.instance}-data"
    console.print(_said("restored", name=name, type=disk_type), highlight=False, soft_wrap=True)
    return 0


def _down(options: argparse.Namespace, console: Console) -> int:
    """Remove what up made, in reverse order: the data stay unless --delete-data is given."""
    cloud = clouds(options, console)
    project = cloud.deployment.project
    if options.delete_data and options.yes_delete != project:
        raise CloudError("type_project", project=project)
    kept = deploy.down(cloud, delete_data=options.delete_data)
    for resource in kept:
        _print(console, "kept", resource.kind, resource.name)
    for line in costs.kept(cloud.deployment, {resource.kind for resource in kept}):
        console.print(line, highlight=False, soft_wrap=True)
    return 0


_ACTIONS: Final[dict[str, Callable[[argparse.Namespace, Console], int]]] = {
    "plan": _plan,
    "doctor": _doctor,
    "up": _up,
    "rotate": _rotate,
    "restore": _restore,
    "down": _down,
}

_COLOURS: Final = {"ok": "green", "exists": "green", "error": "bold red", "kept": "yellow"}


def _state(planned: deploy.Planned) -> str:
    if planned.look is None:
        return "unknown"
    if planned.look.missing:
        return "missing"
    return "differs" if planned.look.difference else "exists"


def _tell(console: Console, key: str, **values: Any) -> None:
    if "kind" in values:
        values["kind"] = title(values["kind"]).text(terminal_language())
    console.print(escape(_said(key, **values)), highlight=False, soft_wrap=True)


def _print(console: Console, state: str, kind: str, name: str, reason: str = "") -> None:
    word = _said(f"states.{state}")
    shown = f"{title(kind).text(terminal_language())} {name}".strip()
    colour = _COLOURS.get(state, "dim")
    line = f"[{colour}]{word:<12}[/] {escape(shown)}{': ' if reason else ''}{escape(reason)}"
    console.print(line, highlight=False, soft_wrap=True)


def _said(key: str, **values: object) -> str:
    return terminal_text(f"cli.cloud.{key}", **values)
