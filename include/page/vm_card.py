"""The VM at one moment: whether it runs, since when, and what that has cost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from include.gcp.prices import Price, price_of
from include.page.flow_health import Part, State

_PASSING: Final = (
    "PENDING_STOP",
    "PROVISIONING",
    "REPAIRING",
    "STAGING",
    "STOPPING",
    "SUSPENDING",
)


def running(
    vm: Mapping[str, Any] | None, zone: str, now: datetime, own_price: float | None = None
) -> Part:
    """Return the part of the VM: its state, how long it has run, and its cost so far.

    Args:
        vm: the instance resource of Compute Engine's API; None if the VM does not exist.
        zone: zone of the VM.
        now: moment until which time and cost count.
        own_price: US dollars per hour that the user pays; None for the published price.
    """
    if vm is None:
        return Part("none", "vm_missing", numbers={"zone": zone})
    status = str(vm["status"])
    kind = str(vm["machineType"]).rpartition("/")[-1]
    price = price_of(kind, zone) if own_price is None else Price(own_price)
    on = status == "RUNNING" or status in _PASSING
    stamp = vm.get("lastStartTimestamp" if on else "lastStopTimestamp")
    since = datetime.fromisoformat(stamp) if stamp else None
    seconds = max(0.0, (now - since).total_seconds()) if on and since else None
    state: State = "attention" if status in _PASSING else "good"
    reason = "vm_changing" if status in _PASSING else "vm_on" if on else "vm_off"
    numbers = {
        "name": vm["name"],
        "zone": zone,
        "machine_type": kind,
        "status": status,
        "seconds": seconds,
        "price": price._asdict() if price else None,
        "cost_usd": seconds / 3600 * price.usd_per_hour if price and seconds is not None else None,
    }
    return Part(state, reason, since, numbers)
