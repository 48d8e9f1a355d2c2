"""Measures of sales, from counts and sums by state."""

from include.page.measures import Measures, measures_by, total

ROWS = [
    {"tipo_pago": "qr", "estado": "pendiente", "events": 10, "amount": 5000},
    {"tipo_pago": "qr", "estado": "aprobada", "events": 8, "amount": 4000},
    {"tipo_pago": "qr", "estado": "rechazada", "events": 2, "amount": 1000},
    {"tipo_pago": "credito", "estado": "pendiente", "events": 1, "amount": 900},
    {"tipo_pago": "credito", "estado": "reembolsada", "events": 1, "amount": 900},
    {"tipo_pago": "credito", "estado": "contracargo", "events": 1, "amount": None},
]


def test_sale_counts_once_and_only_approved_sales_are_income() -> None:
    by_payment = measures_by(ROWS, lambda row: row["tipo_pago"])
    assert by_payment == {
        "qr": Measures(sales=10, approved=8, rejected=2, revenue_centavos=4000),
        "credito": Measures(sales=1, refunded=1, charged_back=1),
    }
    assert total(by_payment.values()) == Measures(11, 8, 2, 1, 1, 4000)


def test_malformed_event_is_not_counted() -> None:
    garbled = [{"estado": None, "events": 3, "amount": None}]
    assert measures_by(garbled, lambda row: row["estado"]) == {None: Measures()}
    assert total([]) == Measures()
