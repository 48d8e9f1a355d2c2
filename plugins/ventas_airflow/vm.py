"""Which VM is meant: the one that the Google Cloud connection names, in one of its zones."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_EXTRA: Final = "conn.google_cloud_default.extra_dejson"

_ZONES: Final = f"{_EXTRA}.get('zones', '')"

#: Arguments of the Compute operators, rendered where a task runs: no look-up at parse.
VM: Final[dict[str, Any]] = {
    "project_id": f"{{{{ {_EXTRA}['project'] }}}}",
    "zones": [
        f"{{{{ {_EXTRA}['zone'] }}}}",
        f"{{{{ {_ZONES} if {_ZONES} is string else {_ZONES} | join(',') }}}}",
    ],
    "resource_id": f"{{{{ {_EXTRA}['instance'] }}}}",
}


def vm_of(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a connection's extra, for who has it."""
    return {
        "project_id": extra["project"],
        "zones": [extra["zone"], extra.get("zones", "")],
        "resource_id": extra["instance"],
    }


def zones_of(named: str | Sequence[Any]) -> list[str]:
    """Zones in the order in which they are tried, each once.

    `named` is one, several with commas between, or a list of such: a connection's ``zone`` comes
    first and its optional ``zones`` are the ones tried next.
    """
    if isinstance(named, str):
        return list(dict.fromkeys(zone.strip() for zone in named.split(",") if zone.strip()))
    return list(dict.fromkeys(zone for part in named for zone in zones_of(part)))
