from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.incidents import Incident
from include.sales.market import load_market
from include.sales.sums import Sums
from include.stream import ledger
from include.stream.ledger import (
    LedgerEntry,
    LedgerError,
    OmittedSale,
    ResumeMismatchError,
    RunProgress,
    decode,
    encode,
    entries_for,
    progress_of,
    read_entries,
    read_faults,
)
from include.stream.reader import Record

SOURCE = SaleSource(load_market(), seed=7, corrida="c1")
START = datetime(2026, 11, 24, 12, 0, 59, 500_000, tzinfo=UTC)


def batches(sizes: list[int], gap: float = 0.7) -> list[list[Venta]]:
    sales = [SOURCE.chain(n, START + n * timedelta(seconds=gap))[0] for n in range(sum(sizes))]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [sales[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def moment(event: Venta) -> datetime:
    return datetime.fromisoformat(event.ts)


def test_batch_over_a_minute_boundary_gives_one_entry_per_minute() -> None:
    [batch] = batches([3])

    first, second = entries_for(batch, seed=7)

    assert (first.minuto, first.desde, first.hasta) == ("2026-11-24T12:00:00Z", 0, 0)
    assert (second.minuto, second.desde, second.hasta) == ("2026-11-24T12:01:00Z", 1, 2)
    assert (first.primera_ts, second.ultima_ts) == (batch[0].ts, batch[2].ts)
    assert (first.corrida, first.semilla) == ("c1", 7)


def test_an_entry_survives_its_json() -> None:
    [batch] = batches([5])
    for entry in entries_for(batch, seed=7):
        assert decode(encode(entry)) == entry


def test_bytes_of_an_entry_never_change() -> None:
    """Entries that earlier versions wrote stay in Kafka for more than a year."""
    [[sale]] = batches([1])
    [entry] = entries_for([sale], seed=7)
    faulty = msgspec.structs.replace(entry, fallas={"duplicado": 1}, de_mas=entry.estados)
    sums = (
        b'{"pendiente":{"eventos":1,"unidades":1,"importe_centavos":360000,"iva_centavos":62479,'
        b'"descuento_centavos":0}}'
    )
    assert encode(faulty) == (
        b'{"corrida":"c1","semilla":7,"desde":0,"hasta":0,"minuto":"2026-11-24T12:00:00Z",'
        b'"primera_ts":"2026-11-24T12:00:59.500Z","ultima_ts":"2026-11-24T12:00:59.500Z",'
        b'"estados":' + sums + b',"fallas":{"duplicado":1},"de_mas":' + sums + b"}"
    )


def test_bytes_of_an_entry_with_incidents_never_change() -> None:
    omitted = OmittedSale("c1", 3, "2026-11-24T12:00:59.500Z")
    [entry] = entries_for([], 7, [omitted])
    entry = msgspec.structs.replace(
        entry, incidentes=(Incident("promocion", "qr", 20.0, "2026-11-24T12:00:00.000Z", 5.0),)
    )
    assert encode(entry) == (
        b'{"corrida":"c1","semilla":7,"desde":3,"hasta":3,"minuto":"2026-11-24T12:00:00Z",'
        b'"primera_ts":"2026-11-24T12:00:59.500Z","ultima_ts":"2026-11-24T12:00:59.500Z",'
        b'"estados":{},"incidentes":[{"tipo":"promocion","sujeto":"qr","tamano":20.0,'
        b'"desde":"2026-11-24T12:00:00.000Z","minutos":5.0}],"omitidas":1}'
    )
    assert decode(encode(entry)) == entry


def test_entry_without_incidents_is_read_as_none() -> None:
    [entry] = run_entries(1)
    assert b"incidentes" not in encode(entry)
    progress = progress_of("c1", [entry])
    assert (progress.incidents, progress.omitted) == ((), 0)


def test_omitted_sales_have_numbers_but_are_no_sales() -> None:
    first, _, third = run_entries(3)
    with pytest.raises(LedgerError, match="counts 2 sales"):
        progress_of("c1", [first, third])
    incident = Incident("menos_ventas", "", 50, "2026-11-24T12:00:00.000Z", 5)
    [second] = entries_for([], 7, [OmittedSale("c1", 1, third.primera_ts)])
    entries = [msgspec.structs.replace(it, incidentes=(incident,)) for it in (first, second, third)]
    progress = progress_of("c1", entries)
    assert (progress.sales, progress.omitted, progress.last) == (2, 1, 2)
    assert progress.incidents == (incident,)


def test_omitted_sales_are_read_as_a_kind_of_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [*run_entries(1), *entries_for([], 7, [OmittedSale("c1", 1, "2026-11-24T12:01:00Z")])]
    records = [Record(0, n, 0, b"c1", encode(entry)) for n, entry in enumerate(entries)]
    monkeypatch.setattr(ledger, "read_committed", lambda *_, **__: iter(records))
    assert read_faults({}, "l", START) == {"omitida": 1}


NO_ENTRIES = [
    b"",
    b"{}",
    b'{"corrida": "c1"}',
    b"[1]",
    b"\xff",
    b'{"corrida":"\xff"}',
    b"[" * 10**5,
]


@pytest.mark.parametrize("data", NO_ENTRIES)
def test_decoding_malformed_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)


@pytest.mark.parametrize("data", [*NO_ENTRIES, None])
def test_malformed_ledger_record_is_reported_with_partition_and_offset(
    data: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Record(partition=1, offset=5, timestamp=0, key=b"c1", value=data)
    monkeypatch.setattr(ledger, "read_committed", lambda *_, **__: iter([bad]))
    with pytest.raises(
        LedgerError, match="offset 5 of partition 1 of 'l' is not a valid ledger entry of"
    ):
        list(read_entries({}, "l", "c1"))
    with pytest.raises(LedgerError, match="offset 5 of partition 1"):
        read_faults({}, "l", START)


@given(st.binary(max_size=4), st.integers(0), st.integers(0, 30))
def test_altered_entry_is_decoded_or_refused(put: bytes, start: int, length: int) -> None:
    [[sale]] = batches([1])
    entry = encode(entries_for([sale], seed=7)[0])
    start %= len(entry)
    try:
        decode(entry[:start] + put + entry[start + length :])
    except msgspec.DecodeError:
        return


@given(
    sizes=st.lists(st.integers(1, 8), max_size=6),
    gap=st.floats(0.001, 90),
    shuffled=st.randoms(use_true_random=False),
)
def test_the_sum_of_the_entries_is_the_sum_of_the_events(
    sizes: list[int], gap: float, shuffled: st.DataObject
) -> None:
    run = [
        [event for sale in batch for event in SOURCE.chain(sale.secuencia, moment(sale))]
        for batch in batches(sizes, gap)
    ]
    sales = [event for batch in run for event in batch]
    entries = [entry for batch in run for entry in entries_for(batch, seed=7)]
    shuffled.shuffle(entries)  # type: ignore[attr-defined]

    progress = progress_of("c1", entries)

    assert progress.last == sum(sizes) - 1
    assert progress.sales == sum(sizes)
    assert progress.total == Sums(
        eventos=len(sales),
        unidades=sum(sale.cantidad for sale in sales),
        importe_centavos=sum(sale.importe_centavos for sale in sales),
        iva_centavos=sum(sale.iva_centavos for sale in sales),
        descuento_centavos=sum(sale.descuento_centavos for sale in sales),
    )
    assert {state: totals.eventos for state, totals in progress.by_state.items()} == Counter(
        sale.estado for sale in sales
    )
    assert progress.first_ts == min((sale.ts for sale in sales), default=None)
    assert progress.last_ts == max((sale.ts for sale in sales), default=None)


def run_entries(count: int) -> list[LedgerEntry]:
    return [entry for batch in batches([1] * count) for entry in entries_for(batch, seed=7)]


@pytest.mark.parametrize(
    "entries",
    [run_entries(4)[1:], run_entries(4)[:2] + run_entries(4)[3:], run_entries(4) + run_entries(1)],
    ids=["start missing", "gap", "twice"],
)
def test_ledger_with_missing_or_repeated_sales_is_refused(entries: list[LedgerEntry]) -> None:
    with pytest.raises(LedgerError, match="c1"):
        progress_of("c1", entries)


def test_progress_of_a_shard_counts_only_its_own_sales() -> None:
    progress = progress_of("c1", run_entries(6), shard=range(2, 5))
    assert (progress.first, progress.last, progress.sales) == (2, 4, 3)
    nothing = progress_of("c1", run_entries(6), shard=range(8, 9))
    assert (nothing.first, nothing.last, nothing.sales) == (8, 7, 0)


def test_refunds_and_chargebacks_are_subtracted_from_revenue() -> None:
    sums = {"pendiente": 70, "aprobada": 50, "rechazada": 20, "reembolsada": 7, "contracargo": 3}
    states = {state: Sums(eventos=1, importe_centavos=sums[state]) for state in sums}
    assert RunProgress("c1", by_state=states).revenue_centavos == 40


def test_run_cannot_resume_with_another_seed() -> None:
    progress = progress_of("c1", run_entries(2))
    progress.check_seed(7)
    with pytest.raises(ResumeMismatchError, match=r"seed 7 .* seed 8"):
        progress.check_seed(8)


def test_an_entry_of_another_run_is_not_added() -> None:
    with pytest.raises(ValueError, match="'c1'"):
        RunProgress("c2").plus(run_entries(1)[0])


def test_run_cannot_resume_with_other_stores_or_day_length() -> None:
    [entry] = run_entries(1)
    progress = progress_of("c1", [msgspec.structs.replace(entry, contenido="a")])
    progress.check_choices("a")
    with pytest.raises(ResumeMismatchError, match="other stores or another seconds_per_day"):
        progress.check_choices("b")


def test_unknown_choices_match_any_run() -> None:
    [entry] = run_entries(1)
    assert b"contenido" not in encode(entry)
    progress_of("c1", [entry]).check_choices("a")
