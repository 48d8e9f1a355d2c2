"""Reports from the events in the page's memory equal those from the findings' SQL."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from include.page import shared_events
from include.page.events import Codes, Rows
from include.page.filters import parse_filters
from include.page.findings import in_memory
from include.page.findings.detection import detect
from include.page.findings.in_memory import detect_in_memory, read_windows
from include.page.findings.windows import payment_windows
from include.page.overview import CODED
from include.page.shared_events import SharedEvents
from include.page.whole_hours import Part
from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.event import Venta
from include.sales.local_time import HOUR_MS, epoch_ms, moment_of
from include.sales.market import load_market
from tests.support.findings import NOW, LocalTables, ms

HOURS = {8: 3, 7: 4, 2: 4, 1: 3, 0: 20}
"""Hours of sales before this moment of some days ago; those of a week ago were back-filled."""


@pytest.fixture(scope="module")
def sales() -> list[Venta]:
    market = load_market()
    found: list[Venta] = []
    for days, hours in HOURS.items():
        end = NOW - timedelta(days=days)
        moments = arrivals(Demand(market), 4, end - timedelta(hours=hours), end, scale=0.02)
        source = SaleSource(market, 4, "relleno__1" if days == 7 else f"run {days}")
        for n, moment in enumerate(moments.tolist()):
            found += source.chain(n, moment_of(moment))
    bad: Any = found[-1]
    odd = {"ts": found[0].ts, "estado": "perdida", "producto": None, "emisor": ["a", "b"]}
    return [*found, msgspec.structs.replace(bad, **odd)]


@pytest.fixture(scope="module")
def druid(sales: list[Venta]) -> LocalTables:
    found = LocalTables()
    rows = [{**row, "emisor": str(row["emisor"])} for row in rows_of(sales)]
    found.load((0, {**row, "__time": row["moment"]}) for row in rows)
    return found


def rows_of(sales: list[Venta]) -> Rows:
    return [{**msgspec.structs.asdict(sale), "moment": ms(sale)} for sale in sales]


class Stored:
    """Answers the queries of `SharedEvents` from sales, and counts them by name."""

    def __init__(self, sales: list[Venta]) -> None:
        self.rows = rows_of(sales)
        self.asked: Counter[str] = Counter()

    def __call__(self, name: str, part: Part) -> Rows:
        self.asked[name] += 1
        start, end = part.interval.parameters
        rows = [dict(row) for row in self.rows if start <= row["moment"] < end]
        if name != "hours":
            return rows
        hours = Counter(row["moment"] // HOUR_MS * HOUR_MS for row in rows)
        return [{"moment": moment_of(hour).isoformat(), "events": n} for hour, n in hours.items()]


@pytest.mark.parametrize(
    "filters",
    [
        *({}, {"provincia": "Buenos Aires"}, {"categoria": "Almacén"}, {"plataforma": "app"}),
        *(
            {"pago": "credito", "emisor": "Visa"},
            {"sucursal": "San Justo"},
            {"producto": "Yerba mate Playadito 1 kg"},
        ),
    ],
)
def test_report_from_memory_is_the_report_from_druid(
    sales: list[Venta], druid: Any, filters: dict[str, str]
) -> None:
    asked = parse_filters(filters)
    with ThreadPoolExecutor(1) as pool:
        windows = read_windows(SharedEvents(Codes(CODED)), NOW, Stored(sales), pool)
    assert windows
    report = detect_in_memory(windows, "ventas", asked, NOW)
    assert report == detect(druid, "ventas", asked, NOW)
    assert report.tests or filters == {"producto": "Yerba mate Playadito 1 kg"}


def test_events_of_all_windows_are_read_in_order_and_once(sales: list[Venta]) -> None:
    stored, shared = Stored(sales), SharedEvents(Codes(CODED))
    with ThreadPoolExecutor(1) as pool:
        first, again = (read_windows(shared, NOW, stored, pool) for _ in range(2))
    windows = payment_windows(NOW)
    expected = sorted(
        ms(sale)
        for sale in sales
        if any(a <= ms(sale) < b for a, b in zip(windows[::2], windows[1::2], strict=True))
    )
    assert first
    assert again
    assert first.events.moments.tolist() == again.events.moments.tolist() == expected
    assert stored.asked["hours"] == 1
    # The running hour and the last minute, and each whole hour that has sales.
    hours = {moment // HOUR_MS for moment in expected if moment < epoch_ms(NOW) - HOUR_MS}
    assert len(hours) <= stored.asked.total() - 1 <= len(hours) + 4


def test_reader_rests_after_each_hour(sales: list[Venta]) -> None:
    rests: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        events = SharedEvents(Codes(CODED))
        windows = read_windows(events, NOW, Stored(sales), pool, rests.append)
    assert windows
    hours = {moment // HOUR_MS for moment in windows.events.moments.tolist()}
    assert len(rests) >= len(hours)
    assert min(rests) >= 0


def test_hour_with_many_events_is_read_in_pieces(
    sales: list[Venta], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(stored: Stored) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return read_windows(SharedEvents(Codes(CODED)), NOW, stored, pool)

    at_once, in_pieces = Stored(sales), Stored(sales)
    expected = read(at_once)
    monkeypatch.setattr(shared_events, "MOST_AT_ONCE", 7)
    found = read(in_pieces)
    assert found.events.moments.tolist() == expected.events.moments.tolist()
    assert in_pieces.asked["counted"] > at_once.asked["counted"]


def test_too_many_events_are_left_to_druid(
    sales: list[Venta], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_memory, "MOST_EVENTS", 100)
    with ThreadPoolExecutor(1) as pool:
        assert read_windows(SharedEvents(Codes(CODED)), NOW, Stored(sales), pool) is None
