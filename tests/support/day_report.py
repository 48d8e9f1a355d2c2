"""The rows that a day's report asks Druid for, computed from published sales."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from include.page.reports.day import DAYS_BEFORE
from include.sales.event import Venta
from include.sales.local_time import UTC_OFFSET_HOURS

#: Columns that each query groups by, in addition to `estado`; `hora` is the local hour.
GROUPED: Final = {
    "hours": ("sucursal", "hora"),
    "payments": ("sucursal", "tipo_pago", "emisor", "cuotas"),
    "products": ("sucursal", "categoria", "producto"),
}


def rows_of(query: str, sales: Iterable[Venta], start: datetime, end: datetime) -> list[Any]:
    """Return the rows of a query for the events from `start` to before `end`."""
    events: Counter[tuple[Any, ...]] = Counter()
    amounts: Counter[tuple[Any, ...]] = Counter()
    columns = (*GROUPED[query], "estado")
    for sale in sales:
        moment = datetime.fromisoformat(sale.ts)
        if not start <= moment < end:
            continue
        if query == "products" and sale.estado in ("pendiente", "rechazada"):
            continue
        local = moment + timedelta(hours=UTC_OFFSET_HOURS)
        key = tuple(local.hour if name == "hora" else getattr(sale, name) for name in columns)
        events[key] += 1
        amounts[key] += sale.importe_centavos
    return [
        {**dict(zip(columns, key, strict=True)), "events": n, "amount": amounts[key]}
        for key, n in events.items()
    ]


def hours_of(sales: Iterable[Venta], start: datetime, end: datetime) -> list[list[Any]]:
    """Return the rows of the query of hours for each day of the report."""
    days = [timedelta(days=before) for before in DAYS_BEFORE]
    sales = list(sales)
    return [rows_of("hours", sales, start - day, end - day) for day in days]
