import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from include.sales.content import SaleSource
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO, Venta
from include.sales.limits import DAY_SECONDS
from include.sales.local_time import epoch_ms
from include.sales.market import Market
from include.sales.random_numbers import BLOCK, Ints
from include.sales.tables import applicable
from tests.unit.sales.year import Year

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
CHAINS = {
    ("pendiente",),
    ("pendiente", "rechazada"),
    ("pendiente", "aprobada"),
    ("pendiente", "aprobada", "reembolsada"),
    ("pendiente", "aprobada", "contracargo"),
}
FIXED = ("id_venta", "corrida", "secuencia", "sucursal", "cliente", "sku", "importe_centavos")


def ts(event: Venta) -> datetime:
    return datetime.fromisoformat(event.ts)


def test_events_of_a_sale_are_a_valid_chain_of_states_in_time_order(market: Market) -> None:
    source = SaleSource(market, seed=7, corrida="una")
    chains = [source.chain(n, NOON) for n in range(20_000)]

    assert {tuple(event.estado for event in chain) for chain in chains} == CHAINS
    for chain in chains:
        assert [event.id_evento[-2:] for event in chain] == ["-0", "-1", "-2"][: len(chain)]
        assert all(ts(one) < ts(next_) for one, next_ in itertools.pairwise(chain))
        for event in chain:
            assert [getattr(event, f) for f in FIXED] == [getattr(chain[0], f) for f in FIXED]
            assert (event.motivo != "") == (event.estado == "rechazada")


def test_decisions_take_the_seconds_of_their_payment_type(market: Market) -> None:
    source = SaleSource(market, seed=7, corrida="una")
    for n in range(5_000):
        first, *later = source.chain(n, NOON)
        if later:
            took = (ts(later[0]) - ts(first)).total_seconds()
            row = applicable(market.decisions, (first.tipo_pago,))[0]
            assert row.desde_segundos < took <= row.hasta_segundos + 0.001


def test_online_sales_are_refunded_within_ten_days(market: Market) -> None:
    """Ley 24.240 Art. 34."""
    source = SaleSource(market, seed=7, corrida="una")
    blocks = [source.columns(block, np.full(BLOCK, epoch_ms(NOON))) for block in range(30)]
    longest = 0
    for it in blocks:
        online = it.platform != PLATAFORMAS.index("local")
        refunded = it.end == ESTADOS.index("reembolsada")
        longest = max(longest, int((it.ended_ms - it.decided_ms)[online & refunded].max()))
    assert timedelta(days=9) < timedelta(milliseconds=longest) <= timedelta(days=10, seconds=1)


def test_last_states_of_a_year_follow_the_shares_of_the_data(market: Market, year: Year) -> None:
    approved = year.drawn.outcome == ESTADOS.index("aprobada")
    for row in market.returns:
        if not row.tipo_pago:
            continue
        its = approved & (year.drawn.payment == TIPOS_PAGO.index(row.tipo_pago))
        its &= year.channel == (row.canal == "online")
        if its.sum() > 1000:
            share = 100 * float((year.drawn.end[its] == ESTADOS.index(row.estado)).mean())
            spread = 4 * (row.share * (100 - row.share) / its.sum()) ** 0.5
            assert share == pytest.approx(row.share, abs=spread + 0.01)


def test_shorter_day_brings_returns_forward_and_changes_nothing_else(market: Market) -> None:
    """The sales, their decisions and the choice of returns stay the same."""
    ts_column = np.full(BLOCK, epoch_ms(NOON))
    real, fast = (
        SaleSource(market, 7, "una", seconds_per_day=seconds).columns(0, ts_column)
        for seconds in (DAY_SECONDS, 60)
    )
    for name in ("product", "outcome", "end", "decided_ms"):
        assert (getattr(real, name) == getattr(fast, name)).all()

    def waited(of: Ints, decided: Ints) -> Ints:
        waits: Ints = (of - decided)[real.end != real.outcome]
        return waits

    expected = waited(real.ended_ms, real.decided_ms) / (DAY_SECONDS / 60)
    assert waited(fast.ended_ms, fast.decided_ms) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("seconds", [0, -60, DAY_SECONDS + 1])
def test_impossible_day_length_is_refused(market: Market, seconds: int) -> None:
    with pytest.raises(ValueError, match="seconds_per_day must be from 1 to"):
        SaleSource(market, 7, "una", seconds_per_day=seconds)


def test_most_sales_have_two_events(market: Market) -> None:
    source = SaleSource(market, seed=7, corrida="una")
    steps = Counter(len(source.chain(n, NOON)) for n in range(10_000))
    assert steps[2] > 0.9 * 10_000
    assert steps[1] > 0
    assert steps[3] > 0
