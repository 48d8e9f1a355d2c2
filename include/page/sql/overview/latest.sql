-- The latest events, newest first.
SELECT TIMESTAMP_TO_MILLIS(__time) AS moment, id_evento, id_venta, sucursal, provincia, producto,
  categoria, cantidad, importe_centavos, tipo_pago, cuotas, emisor, estado, motivo, plataforma
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
ORDER BY __time DESC
LIMIT 25
