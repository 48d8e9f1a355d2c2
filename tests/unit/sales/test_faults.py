"""Injected faults: deterministic, at the given rates, and without changes to original events."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from include.sales.bulk import evenly
from include.sales.content import SaleSource
from include.sales.event import ESTADOS, decode, encode
from include.sales.faults import (
    ABSURD_CENTAVOS,
    FATES,
    FLAG,
    GARBLED,
    FaultRates,
    Faults,
    garble,
)
from include.sales.market import load_market
from include.sales.random_numbers import BLOCK, Ints

SEED = 7
RATES = FaultRates(5, 10, 20, 3, 12, 8)
FAULTS = Faults(SEED, RATES)
SALES = 25 * BLOCK
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def marks(first: int, stop: int, state: int = 0, faults: Faults = FAULTS) -> Ints:
    return faults.marks(np.arange(first, stop), np.full(stop - first, state))


def share(kind: str, state: int = 0) -> float:
    return 100 * float(np.mean((marks(0, SALES, state) & FLAG[kind]) > 0))


def test_rates_of_zero_give_no_faults() -> None:
    faults = Faults(SEED, FaultRates())
    assert FaultRates().none
    assert not marks(0, 3 * BLOCK, faults=faults).any()
    assert not any(faults.shift(n) for n in range(1000))
    assert [faults.gap(n, 1.5) for n in range(100)] == [1.5] * 100


def test_faults_of_a_sale_do_not_depend_on_the_other_sales_asked_for() -> None:
    whole = marks(0, 2 * BLOCK)
    pieces = [marks(first, first + 512) for first in range(0, 2 * BLOCK, 512)]
    assert np.array_equal(whole, np.concatenate(pieces))
    mixed = np.random.default_rng(1).permutation(2 * BLOCK)
    assert np.array_equal(FAULTS.marks(mixed, np.zeros(2 * BLOCK, dtype=np.int64)), whole[mixed])
    assert not np.array_equal(whole, marks(0, 2 * BLOCK, faults=Faults(SEED + 1, RATES)))


def test_steps_have_independent_faults_and_both_decisions_the_same() -> None:
    by_state = [marks(0, BLOCK, state) for state in range(len(ESTADOS))]
    assert np.array_equal(by_state[1], by_state[2])
    assert np.array_equal(by_state[3], by_state[4])
    assert not np.array_equal(by_state[1], by_state[3])
    of_sales = sum(FLAG[kind] for kind in ("tardio", "desordenado", "rafaga", "silencio"))
    assert (by_state[0] & of_sales).any()
    assert not (by_state[1] & of_sales).any()


def test_share_of_each_fault_is_its_rate() -> None:
    for kind, percent in (("tardio", 10), ("desordenado", 20), ("rafaga", 12), ("silencio", 8)):
        assert share(kind) == pytest.approx(percent, abs=1)
    for state in (0, 1, 3):
        assert share("duplicado", state) == pytest.approx(5, abs=0.4)
        garbled = [share(kind, state) for kind in GARBLED]
        assert sum(garbled) == pytest.approx(3, abs=0.4)
        assert min(garbled) > 0.4


def test_late_sales_shift_by_minutes_disordered_by_seconds_first_never() -> None:
    everything = Faults(SEED, FaultRates(tardio=50, desordenado=50))
    shifts = np.array([everything.shift(n) for n in range(BLOCK)])
    found = marks(0, BLOCK, faults=everything)
    late, disordered = (
        shifts[(found & FLAG[kind]) > 0] / 1000 for kind in ("tardio", "desordenado")
    )
    assert shifts[0] == 0
    assert len(late) + len(disordered) == BLOCK - 1
    assert 300 <= late.min() < 400 < 7000 < late.max() <= 7200
    assert 1 <= disordered.min() < 1.1 < 9.9 < disordered.max() <= 10


def test_shifted_schedule_moves_each_sale_alike_in_every_slice() -> None:
    plain = evenly(START, 100)
    moved = FAULTS.shifted(plain)
    expected = plain(0, 2 * BLOCK) - [FAULTS.shift(n) for n in range(2 * BLOCK)]
    assert np.array_equal(moved(0, 2 * BLOCK), expected)
    assert np.array_equal(moved(4000, 4500), expected[4000:4500])


def test_bursts_are_of_32_sales_and_no_silence_follows_another() -> None:
    found = marks(0, SALES)
    burst = ((found & FLAG["rafaga"]) > 0).reshape(-1, 32)
    assert np.array_equal(burst.any(axis=1), burst.all(axis=1))
    most = marks(0, SALES, faults=Faults(SEED, FaultRates(silencio=50)))
    silent = (most & FLAG["silencio"]) > 0
    assert np.mean(silent) == 0.5
    assert not (silent[1:] & silent[:-1]).any()
    assert {(FAULTS.gap(n, 2.0)) for n in range(2000)} == {2.0, 0.2, 47.0, 45.2}


@pytest.mark.parametrize("percent", [-0.1, 50.1, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["duplicado", "silencio"])
def test_an_impossible_rate_is_refused(kind: str, percent: float) -> None:
    with pytest.raises(ValueError, match=f"the rate of {kind} must be from 0 to 50 percent, not"):
        FaultRates(**{kind: percent})


EVENT = SaleSource(load_market(), SEED, "año nuevo").chain(3, START)[0]


def test_garbled_copies_that_become_rows_differ_in_id_and_one_value() -> None:
    proper = msgspec.to_builtins(EVENT)
    kept = {kind for kind in GARBLED if FATES[kind] != "unparseable"}
    assert kept == {"tipo_erroneo", "importe_absurdo"}
    for kind in kept:
        copy = msgspec.json.decode(garble(kind, encode(EVENT)))
        changed = {name: copy[name] for name in proper if copy[name] != proper[name]}
        assert changed.pop("id_evento") == proper["id_evento"] + "x"
        assert list(copy) == list(proper)
        assert changed in ({"cantidad": "una docena"}, {"importe_centavos": ABSURD_CENTAVOS})


@pytest.mark.parametrize("kind", [kind for kind in GARBLED if kind != "importe_absurdo"])
def test_unparseable_copies_are_not_events(kind: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode(garble(kind, encode(EVENT)))
