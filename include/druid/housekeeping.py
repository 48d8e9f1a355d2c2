"""How a sales datasource stays small: its compaction, and how long Druid keeps its days.

Druid itself does the work: both are settings of the datasource. What they make unused is deleted
by tasks that the coordinator issues (`druid.coordinator.kill` in `runtime`), if they get a slot.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from include.druid.client import DruidClient
from include.druid.supervisor import INTERMEDIATE_PERSISTS

KEEP: Final = timedelta(days=400)
"""How long a day is kept: the same month of the year before, and all that a back-fill may fill."""

DELETION: Final[Mapping[str, Any]] = {"killTaskSlotRatio": 0.5, "maxKillTaskSlots": 1}
"""Of the coordinator: one slot for tasks that delete segments.

By default they have a tenth of all slots, which of fewer than ten is none: nothing is ever deleted.
"""


def compaction(datasource: str) -> dict[str, Any]:
    """Auto-compaction: the many small segments of a past day become one.

    The latest day is left alone, so compaction and the supervisor do not meet. Where they do (a
    sale that comes days late), the supervisor's tasks have priority: they take the day from the
    compaction, which tries again later.
    """
    return {
        "dataSource": datasource,
        "skipOffsetFromLatest": "P1D",
        "tuningConfig": {
            # One segment a day up to this: a day of a sale a second has 170 thousand rows.
            "partitionsSpec": {"type": "dynamic", "maxRowsPerSegment": 5_000_000},
            # The ids of a day's sales differ in their last digits: what they begin with is kept
            # once in sixteen. That is a third of a segment.
            "indexSpec": {
                "stringDictionaryEncoding": {
                    "type": "frontCoded",
                    "bucketSize": 16,
                    "formatVersion": 1,
                }
            },
            "indexSpecForIntermediatePersists": INTERMEDIATE_PERSISTS,
        },
    }


def retention_rules(keep: timedelta = KEEP) -> list[dict[str, Any]]:
    """Load the segments of the last `keep` (whole days) and of the future, drop all others."""
    return [
        {
            "type": "loadByPeriod",
            "period": f"P{keep.days}D",
            "includeFuture": True,
            # One copy: there is one historical.
            "tieredReplicants": {"_default_tier": 1},
            "useDefaultTierForNull": True,
        },
        {"type": "dropForever"},
    ]


def ensure_housekeeping(client: DruidClient, datasource: str, keep: timedelta = KEEP) -> list[str]:
    """Set what differs, and return which of `compaction`, `retention`, `deletion` that was.

    What is set already is not set again: Druid would keep each setting in its history.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    changed = []
    wanted = compaction(datasource)
    if not _includes(client.compaction(datasource), wanted):
        client.set_compaction(wanted)
        changed.append("compaction")
    rules = retention_rules(keep)
    if client.retention_rules(datasource) != rules:
        client.set_retention_rules(datasource, rules)
        changed.append("retention")
    if not _includes(client.coordinator_config(), DELETION):
        client.set_coordinator_config(DELETION)
        changed.append("deletion")
    return changed


def _includes(found: Any, wanted: Any) -> bool:
    """Whether what Druid has is what is wanted, but for the defaults that it has filled in."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _includes(found.get(name), value) for name, value in wanted.items()
        )
    return bool(found == wanted)
