"""Compaction and retention of a sales datasource, which keep it small.

Both are settings of the datasource, and Druid does the work. Segments that become unused are then
deleted by kill tasks of the coordinator (`druid.coordinator.kill` in `runtime`), which need a slot.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from include.druid.client import DruidClient
from include.druid.projections import projections
from include.druid.supervisor import INTERMEDIATE_PERSISTS
from include.names import DRUID_RETENTION

DELETION: Final[Mapping[str, Any]] = {"killTaskSlotRatio": 0.5, "maxKillTaskSlots": 1}
"""Coordinator settings that give one slot to kill tasks, which delete segments.

By default kill tasks get a tenth of all slots. With fewer than ten slots that is none, and nothing
is ever deleted.
"""


def compaction(datasource: str) -> dict[str, Any]:
    """Return the auto-compaction that merges the many small segments of a past day into one.

    The segment also gets the sums of each hour that `projections` describes.

    It skips the latest day, which the supervisor writes to. If both write to the same day (a sale
    arrives days late), the supervisor's tasks have priority: they revoke the compaction's lock on
    the day, and the compaction tries again later.
    """
    return {
        "dataSource": datasource,
        "skipOffsetFromLatest": "P1D",
        "projections": projections(),
        "tuningConfig": {
            # One segment a day up to this size: a sale a second gives 170 thousand rows a day.
            "partitionsSpec": {"type": "dynamic", "maxRowsPerSegment": 5_000_000},
            # The ids of a day's sales share a prefix, which this stores once per sixteen values:
            # it saves a third of a segment.
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


def retention_rules(keep: timedelta = DRUID_RETENTION) -> list[dict[str, Any]]:
    """Return rules that load the segments of the last `keep` (whole days) and of the future.

    All other segments are dropped.
    """
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


def ensure_housekeeping(
    client: DruidClient, datasource: str, keep: timedelta = DRUID_RETENTION
) -> list[str]:
    """Set the settings that differ, and return which of `compaction`, `retention`, `deletion`.

    Equal settings are not sent again, because Druid adds each one to its history.

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
    """Return whether Druid has the wanted settings, apart from defaults that Druid added."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _includes(found.get(name), value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(map(_includes, found, wanted))
        )
    return bool(found == wanted)
