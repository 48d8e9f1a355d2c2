"""Format a sale as one line of text, for the log and the console."""

from include.sales.event import Venta
from include.texts import has, text


def sale_line(sale: Venta) -> str:
    """Return a line such as
    `#12 Córdoba · 2 × Yerba Mate 1 kg · $ 6.900,00 · Crédito Visa en 3 cuotas · aprobada`."""
    product = sale.producto if sale.cantidad == 1 else f"{sale.cantidad} × {sale.producto}"
    payment = value_text("pago", sale.tipo_pago)
    if sale.emisor:
        payment += f" {sale.emisor}"
    if sale.cuotas > 1:
        payment += f" {text('sale.instalments', count=sale.cuotas)}"
    return (
        f"#{sale.secuencia} {sale.ciudad} · {product} · {money(sale.importe_centavos)} · "
        f"{payment} · {value_text('estado', sale.estado)}"
    )


def value_text(kind: str, value: str) -> str:
    """Return the name for people of an event's value; the value itself if it has no text yet."""
    key = f"page.live.values.{kind}.{value}"
    return text(key) if has(key) else value


def money(centavos: int) -> str:
    """Return an amount ≥ 0 of centavos as Argentines write it: 345000 is `$ 3.450,00`."""
    pesos, rest = divmod(centavos, 100)
    return f"$ {pesos:,}".replace(",", ".") + f",{rest:02d}"
