"""The verdict of a chaos round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from commands.chaos.producer import source_of
from commands.chaos.verify import Verdict, changed_events
from include.sales.event import encode

BEGINS = datetime(2026, 11, 24, 15, tzinfo=UTC)
WELL = Verdict(events=9, lost=0, duplicated=0, changed=0, equal=True, summary="")


@pytest.fixture(scope="module")
def sold() -> list[bytes]:
    """All events of eight sales, which begin one second apart."""
    source = source_of("caos")
    chains = [source.chain(n, BEGINS + timedelta(seconds=n)) for n in range(8)]
    return [encode(event) for chain in chains for event in chain]


def test_events_of_the_seed_are_unchanged_in_any_order(sold: list[bytes]) -> None:
    assert changed_events(source_of("caos"), reversed(sold)) == 0


def test_sale_without_its_later_events_is_unchanged(sold: list[bytes]) -> None:
    begun = [value for value in sold if b'"pendiente"' in value]
    assert len(begun) == 8
    assert changed_events(source_of("caos"), begun) == 0


def test_event_with_a_changed_amount_is_counted(sold: list[bytes]) -> None:
    event = msgspec.json.decode(sold[3])
    event["importe_centavos"] += 1
    other = msgspec.json.encode(event)
    assert changed_events(source_of("caos"), [*sold[:3], other, *sold[4:]]) == 1


@pytest.mark.parametrize(
    "wrong", [{"lost": 1}, {"duplicated": 1}, {"changed": 1}, {"equal": False}]
)
def test_verdict_fails_with_a_single_fault(wrong: dict[str, Any]) -> None:
    assert WELL.passed
    assert not WELL._replace(**wrong).passed
