"""The data dictionary: the page in docs agrees with its sources."""

import re

from include.druid.supervisor import TIMESTAMP, dimensions
from include.sales.event import Venta
from include.sales.market import load_market
from include.sales.sums import Sums
from include.stream.dictionary import render
from include.stream.ledger import LedgerEntry

PAGE = render(load_market())


def rows_of(first: str) -> list[list[str]]:
    """Return the rows of the table whose header starts with `first`."""
    table = PAGE[PAGE.index(f"\n| {first}") :].strip().split("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_every_field_of_event_and_ledger_is_listed_in_order() -> None:
    fields = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    event, entry, sums = (list(record.__struct_fields__) for record in (Venta, LedgerEntry, Sums))
    assert fields[: 2 * len(event)] == event * 2
    start = fields.index("eventos")
    assert fields[start : start + len(sums) + len(entry)] == sums + entry


def test_column_types_equal_those_of_the_ingestion_spec() -> None:
    sql = {"string": "VARCHAR", "long": "BIGINT"}
    wanted = {f"`{it['name']}`": sql[it["type"]] for it in dimensions()}
    told = {row[0]: row[3] for row in rows_of("field | in Spanish")}
    assert told.pop(f"`{TIMESTAMP}`") == "`__time` TIMESTAMP"
    assert told == wanted


def test_a_changed_catalogue_changes_the_page() -> None:
    market = load_market()
    assert f"| promotions | {len(market.promotions)} |" in PAGE
    fewer = type(market)(**{**vars(market), "promotions": market.promotions[:1]})
    assert "| promotions | 1 |" in render(fewer)
