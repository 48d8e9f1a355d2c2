"""Write the golden files of the tests, with which a test compares, so that no change is unnoticed.

`tests/unit/sales` has digests of what a fixed seed sells, and when; `tests/unit/page/reports` has a
day's report, rendered in each language.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from include.page.reports.day import decode
from include.page.reports.render import render
from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.event import encode
from include.sales.market import Market, load_market
from include.stack.settings import ROOT

FOLDER: Final = ROOT / "tests" / "unit" / "sales"
REPORTS: Final = ROOT / "tests" / "unit" / "page" / "reports"

Golden = dict[str, Any]
"""A file's content: the seed and the other values that decide the digest, and the digest."""


def files() -> Mapping[Path, str]:
    market = load_market()
    found = {}
    for name, digest in (("golden", sales_digest), ("golden_arrivals", arrivals_digest)):
        path = FOLDER / f"{name}.json"
        golden = read(path)
        found[path] = json.dumps({**golden, "sha256": digest(market, golden)}) + "\n"
    return {**found, **reports()}


def reports() -> Mapping[Path, str]:
    """Return the report of `day.json` in the language of each golden file, with all its pages."""
    report = decode((REPORTS / "day.json").read_bytes())
    return {path: render(report, path.stem, by_store=True) for path in REPORTS.glob("*.html")}


def read(path: Path) -> Golden:
    found: Golden = json.loads(path.read_text(encoding="utf-8"))
    return found


def sales_digest(market: Market, golden: Golden) -> str:
    """Return the digest of the events of the first sales, all begun at one moment."""
    source = SaleSource(market, golden["seed"], golden["corrida"])
    ts = datetime.fromisoformat(golden["ts"])
    events = (event for n in range(golden["sales"]) for event in source.chain(n, ts))
    return hashlib.sha256(b"\n".join(map(encode, events))).hexdigest()


def arrivals_digest(market: Market, golden: Golden) -> str:
    """Return the digest of the moments of the sales in some hours."""
    start = datetime.fromisoformat(golden["start"])
    end = start + timedelta(hours=golden["hours"])
    moments = arrivals(Demand(market), golden["seed"], start, end, golden["scale"])
    return hashlib.sha256(moments.astype("<i8").tobytes()).hexdigest()
