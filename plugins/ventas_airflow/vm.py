"""Project, zones and name of the Druid VM, from the Google Cloud connection."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from include.names import GOOGLE_CONNECTION

_EXTRA: Final = f"conn.{GOOGLE_CONNECTION}.extra_dejson"

_ZONES: Final = f"{_EXTRA}.get('zones', '')"

#: Arguments of the Compute operators, as templates: parsing a DAG reads no connection.
VM: Final[dict[str, Any]] = {
    "project_id": f"{{{{ {_EXTRA}['project'] }}}}",
    "zones": [
        f"{{{{ {_EXTRA}['zone'] }}}}",
        f"{{{{ {_ZONES} if {_ZONES} is string else {_ZONES} | join(',') }}}}",
    ],
    "resource_id": f"{{{{ {_EXTRA}['instance'] }}}}",
}


def vm_of(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of `VM` from a connection's extra, for code outside of a task."""
    return {
        "project_id": extra["project"],
        "zones": [extra["zone"], extra.get("zones", "")],
        "resource_id": extra["instance"],
    }


def zones_of(named: str | Sequence[Any]) -> list[str]:
    """Return the zones in the order in which they are tried, each once.

    `named` is a zone, several zones with commas between them, or a list of such texts: `VM` has
    the connection's ``zone`` first, and then its optional ``zones``.
    """
    if isinstance(named, str):
        return list(dict.fromkeys(zone.strip() for zone in named.split(",") if zone.strip()))
    return list(dict.fromkeys(zone for part in named for zone in zones_of(part)))
