import msgspec
import pytest

from include.sales.event import Venta
from include.sales.sale_line import money, sale_line

SALE = Venta(
    id_evento="e-12",
    id_venta="v-12",
    ts="2026-11-24T12:00:00.000Z",
    corrida="c1",
    secuencia=12,
    sucursal="Nueva Córdoba",
    provincia="Córdoba",
    ciudad="Córdoba",
    cliente="c000000001",
    producto="Yerba Mate 1 kg",
    sku="ALM-001",
    categoria="Almacén",
    cantidad=1,
    precio_unitario_centavos=345000,
    descuento_centavos=0,
    importe_centavos=345000,
    alicuota_iva=2100,
    iva_centavos=59876,
    tipo_pago="debito",
    cuotas=1,
    emisor="Visa",
    estado="aprobada",
    motivo="",
    plataforma="local",
)


def test_a_sale_is_one_line() -> None:
    assert sale_line(SALE) == (
        "#12 Córdoba · Yerba Mate 1 kg · $ 3.450,00 · débito Visa · aprobada"
    )


def test_sale_line_shows_quantity_and_instalments_above_one() -> None:
    sale = msgspec.structs.replace(
        SALE, cantidad=2, importe_centavos=690000, tipo_pago="credito", cuotas=3
    )
    assert sale_line(sale) == (
        "#12 Córdoba · 2 × Yerba Mate 1 kg · $ 6.900,00 · crédito Visa en 3 cuotas · aprobada"
    )


def test_sale_line_of_cash_has_no_issuer() -> None:
    sale = msgspec.structs.replace(SALE, tipo_pago="efectivo", emisor="")
    assert "· efectivo ·" in sale_line(sale)


@pytest.mark.parametrize(
    ("centavos", "text"),
    [(0, "$ 0,00"), (5, "$ 0,05"), (99999, "$ 999,99"), (123456789, "$ 1.234.567,89")],
)
def test_money_is_written_as_in_argentina(centavos: int, text: str) -> None:
    assert money(centavos) == text
