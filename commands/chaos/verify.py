"""Compare a run in the ledger, in Kafka and in Druid: by id, by count and by sum.

Also compare its events in Kafka, byte for byte, with those that the seed generates.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from include.druid.client import DruidError
from include.druid.ledger import druid_minutes
from include.druid.reconcile import druid_ids, reconcile, reconcile_sums
from include.names import DATASOURCE, LEDGER_TOPIC, TOPIC
from include.sales.content import SaleSource, run_key
from include.sales.event import decode, encode
from include.sales.sums import Cell, Sums
from include.stack import security
from include.stack.settings import Settings
from include.stream.ledger import read_run, read_sums
from include.stream.reader import read_committed
from include.texts import terminal_text
from include.waiting import Polling

_PATIENCE = 120.0
"""Seconds until Druid must show all events that Kafka acknowledged."""

_INTERVAL = 1.0


class Verdict(NamedTuple):
    """Result of the comparison of a run.

    Attributes:
        events: number of events in the ledger.
        lost: events that were acknowledged but are missing in Kafka or in Druid.
        duplicated: events that Kafka or Druid has more than once.
        changed: events whose bytes in Kafka differ from those that the seed and the start of their
            sale give.
        equal: whether ids, and also counts and sums by minute and state, agree with the ledger.
        summary: the comparison in words.
    """

    events: int
    lost: int
    duplicated: int
    changed: int
    equal: bool
    summary: str

    @property
    def passed(self) -> bool:
        """Whether no event is lost, duplicated or changed, and the ledger agrees."""
        return self.equal and not (self.lost or self.duplicated or self.changed)


def verify(
    settings: Settings, source: SaleSource, since: datetime, acknowledged: int = 0
) -> Verdict:
    """Compare an ended run; repeat it until Kafka, Druid and ledger agree, or the time is over.

    Args:
        settings: the stack.
        source: the run's sales, as the seed generates them.
        since: moment before the run began; older records are not read.
        acknowledged: events whose acknowledgement the producer saw; the ledger must have at least
            as many.
    """
    corrida = source.corrida
    config = security.kafka_config(settings)
    ledger = read_run(config, LEDGER_TOPIC, corrida, since=since)
    sums = read_sums(config, LEDGER_TOPIC, [corrida], since=since)
    prefix = f"v{run_key(corrida)}-".encode()
    kafka = [
        record.value or b""
        for record in read_committed(config, TOPIC, since=since)
        if (record.key or b"").startswith(prefix)
    ]
    in_kafka = Counter(decode(value).id_evento for value in kafka)
    first = min((datetime.fromisoformat(cell.minuto) for cell in sums), default=since)
    client = security.druid_client(settings, retries=0)
    confirmed = max(ledger.rows, acknowledged)
    for _ in Polling(_PATIENCE, interval=_INTERVAL):
        ids, minutes, problem = Counter[str](), dict[Cell, Sums](), ""
        try:
            ids = druid_ids(client, DATASOURCE, corrida)
            minutes = druid_minutes(client, DATASOURCE, first, datetime.now(first.tzinfo))
        except DruidError as error:
            problem = f"{error}; "
        of_run = {cell: found for cell, found in minutes.items() if cell.corrida == corrida}
        by_ids = reconcile(corrida, confirmed, in_kafka, ids)
        by_sums = reconcile_sums(corrida, confirmed, sums, of_run)
        equal = by_ids.equal and by_sums.equal
        if equal:
            break
    changed = changed_events(source, kafka)
    return Verdict(
        events=ledger.rows,
        lost=max(by_ids.lost, confirmed - by_ids.in_kafka, by_sums.lost),
        duplicated=max(by_ids.duplicated, by_ids.surplus),
        changed=changed,
        equal=equal,
        summary=problem
        + terminal_text("cli.chaos.verdict", by_ids=by_ids, by_sums=by_sums, changed=changed),
    )


def changed_events(source: SaleSource, values: Iterable[bytes]) -> int:
    """Count the events that differ from the source's for their sale's number and start."""
    sales: dict[int, dict[str, bytes]] = {}
    begins: dict[int, str] = {}
    for value in values:
        event = decode(value)
        sales.setdefault(event.secuencia, {})[event.id_evento] = value
        begins[event.secuencia] = min(event.ts, begins.get(event.secuencia, event.ts))
    changed = 0
    for n, stored in sales.items():
        chain = source.chain(n, datetime.fromisoformat(begins[n]))
        made = {event.id_evento: encode(event) for event in chain}
        changed += sum(made.get(name) != value for name, value in stored.items())
    return changed
