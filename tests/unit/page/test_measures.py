"""Measures of sales, from counts and sums by state."""

from include.page.measures import Measures, measures_by, total

ROWS = [
    {"tipo_pago": "qr", "estado": "pendiente", "eventos": 10, "importe": 5000},
    {"tipo_pago": "qr", "estado": "aprobada", "eventos": 8, "importe": 4000},
    {"tipo_pago": "qr", "estado": "rechazada", "eventos": 2, "importe": 1000},
    {"tipo_pago": "credito", "estado": "pendiente", "eventos": 1, "importe": 900},
    {"tipo_pago": "credito", "estado": "reembolsada", "eventos": 1, "importe": 900},
    {"tipo_pago": "credito", "estado": "contracargo", "eventos": 1, "importe": None},
]


def test_sale_counts_once_and_only_approved_sales_are_income() -> None:
    by_payment = measures_by(ROWS, lambda row: row["tipo_pago"])
    assert by_payment == {
        "qr": Measures(ventas=10, aprobadas=8, rechazadas=2, ingresos=4000),
        "credito": Measures(ventas=1, reembolsadas=1, contracargos=1),
    }
    assert total(ROWS) == Measures(11, 8, 2, 1, 1, 4000)


def test_malformed_event_is_not_counted() -> None:
    garbled = [{"estado": None, "eventos": 3, "importe": None}]
    assert total(garbled) == total([]) == Measures()
