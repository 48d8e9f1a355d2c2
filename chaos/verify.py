"""Whether a run is the same in the ledger, in Kafka and in Druid: by id, by count and by sum.

And whether its events are those that the seed says, byte for byte, as if nothing had happened.
"""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from include.druid.client import DruidError
from include.druid.ledger import Cell, Sums, druid_minutes
from include.druid.reconcile import druid_ids, reconcile, reconcile_sums
from include.sales.content import SaleSource, run_key
from include.sales.event import decode, encode
from include.stack import security
from include.stack.settings import Settings
from include.stream.ledger import read_run, read_sums
from include.stream.reader import read_committed

_PATIENCE = 120.0
"""Seconds that Druid has to show what Kafka has acknowledged."""

_INTERVAL = 1.0


class Verdict(NamedTuple):
    """What became of a run.

    Attributes:
        events: in the ledger.
        lost: acknowledged, and not in Kafka or not in Druid.
        duplicated: more than once in Kafka or in Druid.
        changed: with other bytes in Kafka than the seed and the sale's beginning give.
        equal: whether the counts and sums by minute and state are those of the ledger too.
        told: the comparison in words.
    """

    events: int
    lost: int
    duplicated: int
    changed: int
    equal: bool
    told: str

    @property
    def passed(self) -> bool:
        """Whether nothing is lost, twice there or changed, and the ledger is right."""
        return self.equal and not (self.lost or self.duplicated or self.changed)


def verify(
    settings: Settings, source: SaleSource, since: datetime, acknowledged: int = 0
) -> Verdict:
    """Compare the run of a source, once it has ended, until it is equal or too late.

    `acknowledged`: events that its producer saw acknowledged, and that the ledger has at least.
    """
    corrida = source.corrida
    config = security.kafka_config(settings)
    ledger = read_run(config, "ventas.ledger", corrida, since=since)
    read = read_sums(config, "ventas.ledger", [corrida], since=since)
    sums = {Cell(*cell): Sums(*totals) for cell, totals in read.items()}
    prefix = f"v{run_key(corrida)}-".encode()
    kafka = [
        record.value or b""
        for record in read_committed(config, "ventas", since=since)
        if (record.key or b"").startswith(prefix)
    ]
    in_kafka = Counter(decode(value).id_evento for value in kafka)
    first = min((datetime.fromisoformat(cell.minuto) for cell in sums), default=since)
    client = security.druid_client(settings, retries=0)
    confirmed = max(ledger.rows, acknowledged)
    deadline = time.monotonic() + _PATIENCE
    while True:
        ids, minutes, told = Counter[str](), dict[Cell, Sums](), ""
        try:
            ids = druid_ids(client, "ventas", corrida)
            minutes = druid_minutes(client, "ventas", first, datetime.now(first.tzinfo))
        except DruidError as error:
            told = f"{error}; "
        mine = {cell: found for cell, found in minutes.items() if cell.corrida == corrida}
        by_ids = reconcile(corrida, confirmed, in_kafka, ids)
        by_sums = reconcile_sums(corrida, confirmed, sums, mine)
        equal = by_ids.agrees and by_sums.agrees
        if equal or time.monotonic() > deadline:
            changed = changed_events(source, kafka)
            return Verdict(
                events=ledger.rows,
                lost=max(by_ids.perdidas, confirmed - by_ids.en_kafka, by_sums.perdidas),
                duplicated=max(by_ids.duplicadas, by_ids.sobrantes),
                changed=changed,
                equal=equal,
                told=f"{told}{by_ids}; por sumas: {by_sums}; {changed} con otros bytes",
            )
        time.sleep(_INTERVAL)


def changed_events(source: SaleSource, values: Iterable[bytes]) -> int:
    """Count the events that are not what the source makes of their sale's number and beginning."""
    sales: dict[int, dict[str, bytes]] = {}
    begins: dict[int, str] = {}
    for value in values:
        event = decode(value)
        sales.setdefault(event.secuencia, {})[event.id_evento] = value
        begins[event.secuencia] = min(event.ts, begins.get(event.secuencia, event.ts))
    changed = 0
    for n, there in sales.items():
        chain = source.chain(n, datetime.fromisoformat(begins[n]))
        made = {event.id_evento: encode(event) for event in chain}
        changed += sum(made.get(name) != value for name, value in there.items())
    return changed
