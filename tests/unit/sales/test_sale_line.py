from datetime import UTC, datetime

import msgspec
import pytest

from include.sales.content import SaleSource
from include.sales.market import load_market
from include.sales.sale_line import money, sale_line

SALE = msgspec.structs.replace(
    SaleSource(load_market(), 7, "una").chain(0, datetime(2026, 11, 24, 12, tzinfo=UTC))[0],
    secuencia=12,
    ciudad="Córdoba",
    producto="Yerba Mate 1 kg",
    cantidad=1,
    importe_centavos=345000,
    tipo_pago="debito",
    cuotas=1,
    emisor="Visa",
    estado="aprobada",
)


def test_a_sale_is_one_line() -> None:
    assert sale_line(SALE) == (
        "#12 Córdoba · Yerba Mate 1 kg · $ 3.450,00 · Débito Visa · aprobada"
    )


def test_sale_line_shows_quantity_and_instalments_above_one() -> None:
    sale = msgspec.structs.replace(
        SALE, cantidad=2, importe_centavos=690000, tipo_pago="credito", cuotas=3
    )
    assert sale_line(sale) == (
        "#12 Córdoba · 2 × Yerba Mate 1 kg · $ 6.900,00 · Crédito Visa en 3 cuotas · aprobada"
    )


def test_sale_line_of_cash_has_no_issuer() -> None:
    sale = msgspec.structs.replace(SALE, tipo_pago="efectivo", emisor="")
    assert "· Efectivo ·" in sale_line(sale)


@pytest.mark.parametrize(
    ("centavos", "text"),
    [(0, "$ 0,00"), (5, "$ 0,05"), (99999, "$ 999,99"), (123456789, "$ 1.234.567,89")],
)
def test_money_is_written_as_in_argentina(centavos: int, text: str) -> None:
    assert money(centavos) == text
