"""Hostile records for the topic of sales: the corpus of ``tests/attack/events.json``."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from include.sales.event import Venta, format_ts

CORPUS = Path(__file__).parents[1] / "attack" / "events.json"


class HostileRecord(NamedTuple):
    """A record as a hostile producer sends it; `timestamp` is Kafka's, or 0 for the present."""

    name: str
    key: bytes | None
    value: bytes | None
    timestamp: int


def hostile_records(event: Callable[[int], Venta], now: datetime) -> list[HostileRecord]:
    """Return the records of the file, in its order.

    `event` makes the n-th well-formed event, of which most records are a changed copy. An entry of
    the file has one of:

    - ``raw``: the record's text, null for a record without value;
    - ``hex``: its bytes;
    - ``nested``: a number of nested arrays that are never closed;
    - ``set``, ``without`` and ``long``: fields of the copy that get another value, are left out, or
      become a text of a number of characters.

    It may also have ``key`` or ``key_hex`` and ``timestamp``, and ``times`` for several copies.
    """
    entries = json.loads(CORPUS.read_text(encoding="utf-8"))
    records: list[HostileRecord] = []
    for entry in entries:
        for _ in range(entry.get("times", 1)):
            copied = event(len(records))
            key = entry.get("key", copied.id_venta)
            records.append(
                HostileRecord(
                    entry["name"],
                    bytes.fromhex(entry["key_hex"]) if "key_hex" in entry else key and key.encode(),
                    _value(entry, copied, now),
                    entry.get("timestamp", 0),
                )
            )
    return records


def _value(entry: dict[str, Any], copied: Venta, now: datetime) -> bytes | None:
    if "hex" in entry:
        return bytes.fromhex(entry["hex"])
    if "nested" in entry:
        return b"[" * int(entry["nested"])
    if "raw" in entry:
        text = entry["raw"]
    else:
        fields = {**msgspec.to_builtins(copied), **entry.get("set", {})}
        fields |= {name: name[0] * size for name, size in entry.get("long", {}).items()}
        text = json.dumps(
            {name: value for name, value in fields.items() if name not in entry.get("without", ())},
            ensure_ascii=False,
        )
    if text is None:
        return None
    words = {
        "<ts>": copied.ts,
        "<ahead>": format_ts(now + timedelta(hours=1)),
        "<ms>": str(round(datetime.fromisoformat(copied.ts).astimezone(UTC).timestamp() * 1000)),
    }
    for word, value in words.items():
        text = text.replace(word, value)
    return bytes(text.encode())
