"""Format a sale as one line of Spanish text, for the log."""

from include.sales.event import Venta

PAYMENT_NAMES = {"debito": "débito", "credito": "crédito", "qr": "QR"}
"""Spanish names of the payment types whose name differs from the event's value."""


def sale_line(sale: Venta) -> str:
    """Return a line such as
    `#12 Córdoba · 2 × Yerba Mate 1 kg · $ 6.900,00 · crédito Visa en 3 cuotas · aprobada`."""
    product = sale.producto if sale.cantidad == 1 else f"{sale.cantidad} × {sale.producto}"
    payment = PAYMENT_NAMES.get(sale.tipo_pago, sale.tipo_pago)
    if sale.emisor:
        payment += f" {sale.emisor}"
    if sale.cuotas > 1:
        payment += f" en {sale.cuotas} cuotas"
    return (
        f"#{sale.secuencia} {sale.ciudad} · {product} · {money(sale.importe_centavos)} · "
        f"{payment} · {sale.estado}"
    )


def money(centavos: int) -> str:
    """Return an amount ≥ 0 of centavos as Argentines write it: 345000 is `$ 3.450,00`."""
    pesos, rest = divmod(centavos, 100)
    return f"$ {pesos:,}".replace(",", ".") + f",{rest:02d}"
