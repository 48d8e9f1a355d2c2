"""Measure the events per second of a typical producer: Faker for each field, JSON, produce.

The project's load mode is compared with it; nothing else uses it.
"""

import json
import time
from datetime import UTC
from typing import Any

from confluent_kafka import Producer
from faker import Faker

from commands.bench.common import Target, parser, report
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=20_000)
    options = arguments.parse_args()
    target = Target(options.kafka, options.topic)
    target.make_topics()
    fake = Faker("es_AR")
    producer = Producer({**target.config, "acks": "all", "enable.idempotence": True})
    began = time.perf_counter()
    for n in range(options.events):
        sale = _sale(fake, n)
        producer.produce(target.topic, key=sale["id_venta"], value=json.dumps(sale))
        producer.poll(0)
    producer.flush()
    seconds = time.perf_counter() - began
    report(events=options.events, seconds=seconds, per_second=options.events / seconds)


def _sale(fake: Faker, n: int) -> dict[str, Any]:
    """Make a sale with the same fields as the project's, but without their correlations."""
    cantidad = fake.random_int(1, 5)
    precio = fake.random_int(100_000, 20_000_000)
    descuento = cantidad * precio * fake.random_element((0, 0, 0, 10, 20)) // 100
    importe = cantidad * precio - descuento
    return {
        "id_evento": fake.uuid4(),
        "id_venta": fake.uuid4(),
        "ts": fake.date_time_this_month(tzinfo=UTC).isoformat(timespec="milliseconds"),
        "corrida": "bench",
        "secuencia": n,
        "sucursal": fake.company(),
        "provincia": fake.province(),
        "ciudad": fake.city(),
        "cliente": fake.name(),
        "producto": fake.word(),
        "sku": fake.ean13(),
        "categoria": fake.word(),
        "cantidad": cantidad,
        "precio_unitario_centavos": precio,
        "descuento_centavos": descuento,
        "importe_centavos": importe,
        "alicuota_iva": 2100,
        "iva_centavos": importe * 21 // 121,
        "tipo_pago": fake.random_element(TIPOS_PAGO),
        "cuotas": fake.random_element((1, 3, 6, 12)),
        "emisor": fake.credit_card_provider(),
        "estado": fake.random_element(ESTADOS),
        "motivo": "",
        "plataforma": fake.random_element(PLATAFORMAS),
    }


if __name__ == "__main__":
    main()
