"""When the sales of a run began, by its records: in a live window, only the clock decided it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from include.sales.local_time import epoch_ms
from include.sales.random_numbers import Ints
from include.stream.errors import StreamError
from include.stream.ledger import RunProgress, progress_of, read_entries
from include.stream.reader import chains_of_run


class SalesDeletedError(StreamError):
    """Kafka does not have all sales of a run any more, but only their ledger entries."""


class TooManySalesError(StreamError):
    """A run has more sales than the caller wants to read."""


def moments_of_run(
    config: Mapping[str, Any],
    topic: str,
    ledger_topic: str,
    corrida: str,
    *,
    most: int,
    since: datetime | None = None,
    time_limit: float | None = None,
) -> tuple[RunProgress, Ints]:
    """Return the run's progress, and the epoch milliseconds at which each of its sales began.

    A sale that an incident prevented has no event. In a live window, a ledger entry of its own has
    its moment. In a load its moment is interpolated between the sales before and after it, which
    is right to the millisecond unless faults made some of them late; after the last sale, it is the
    moment of that sale.

    `since` as in `read_committed`; `time_limit`, in seconds, is that of each of the two reads.

    Raises `SalesDeletedError`, `TooManySalesError` for more than `most` sales, and the errors of
    `read_run` and `chains_of_run`.
    """
    entries = list(read_entries(config, ledger_topic, corrida, since=since, time_limit=time_limit))
    progress = progress_of(corrida, entries)
    count = progress.last + 1
    if count > most:
        raise TooManySalesError(f"run {corrida!r} has {count} sales, and at most {most} are read")
    if progress.first_ts is None:
        return progress, np.empty(0, dtype=np.int64)
    chains = chains_of_run(config, topic, corrida, since=since, time_limit=time_limit)
    # The run may have gone on since the ledger was read.
    chains = {n: chain for n, chain in chains.items() if n < count}
    found, counted = sum(steps for _, steps in chains.values()), progress.total.eventos
    if found < counted:
        raise SalesDeletedError(
            f"the ledger counts {counted} events of run {corrida!r}, but topic {topic!r} has only "
            f"{found}: Kafka has deleted the others"
        )
    known = {0: _ms(progress.first_ts)}
    known |= {n: epoch_ms(began) for n, (began, _) in chains.items()}
    known |= {
        entry.desde: _ms(entry.primera_ts)
        for entry in entries
        if entry.omitidas and entry.desde == entry.hasta
    }
    numbers = sorted(known)
    moments = np.interp(np.arange(count), numbers, [known[n] for n in numbers])
    return progress, moments.astype(np.int64)


def _ms(ts: str) -> int:
    return epoch_ms(datetime.fromisoformat(ts))
