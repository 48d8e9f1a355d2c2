"""The VM's state and its cost so far: with a published price, the user's own price, or none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.gcp.definition import VmSettings, instance
from include.gcp.prices import Price
from include.page.vm_card import running

ZONE = "southamerica-east1-a"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def vm(status: str = "RUNNING", **changes: Any) -> dict[str, Any]:
    started = NOW - timedelta(hours=2)
    return {
        **instance(VmSettings(zone=ZONE, machine_type="n2-standard-4")),
        "name": "druid-ventas",
        "status": status,
        "lastStartTimestamp": started.isoformat(),
        "lastStopTimestamp": (NOW - timedelta(hours=1)).isoformat(),
        **changes,
    }


def test_running_vm_costs_by_the_hour_since_its_start() -> None:
    part = running(vm(), ZONE, NOW)
    assert (part.state, part.reason, part.since) == ("good", "vm_on", NOW - timedelta(hours=2))
    assert (part.numbers["machine_type"], part.numbers["seconds"]) == ("n2-standard-4", 7200)
    assert part.numbers["cost_usd"] == pytest.approx(2 * 0.30832)
    assert part.numbers["price"]["date"] == "2026-07-30"


def test_stopped_vm_costs_nothing() -> None:
    part = running(vm("TERMINATED"), ZONE, NOW)
    assert (part.state, part.reason, part.since) == ("good", "vm_off", NOW - timedelta(hours=1))
    assert part.numbers["cost_usd"] is None


@pytest.mark.parametrize("status", ["STAGING", "STOPPING"])
def test_changing_vm_needs_attention(status: str) -> None:
    part = running(vm(status), ZONE, NOW)
    assert (part.state, part.reason) == ("attention", "vm_changing")


def test_vm_being_provisioned_has_no_start_and_no_cost() -> None:
    part = running(vm("PROVISIONING", lastStartTimestamp=None), ZONE, NOW)
    assert (part.since, part.numbers["cost_usd"]) == (None, None)


def test_missing_vm_has_no_state() -> None:
    assert (running(None, ZONE, NOW).state, running(None, ZONE, NOW).reason) == (
        "none",
        "vm_missing",
    )


def test_zone_without_a_known_price_uses_only_the_price_of_the_user() -> None:
    elsewhere = running(vm(), "europe-west1-b", NOW)
    assert (elsewhere.numbers["price"], elsewhere.numbers["cost_usd"]) == (None, None)
    own = running(vm(), "europe-west1-b", NOW, own_price=0.5)
    assert own.numbers["cost_usd"] == 1.0
    assert own.numbers["price"] == Price(0.5)._asdict()


def test_price_of_the_user_overrides_the_published_one() -> None:
    assert running(vm(), ZONE, NOW, own_price=0.0).numbers["cost_usd"] == 0
