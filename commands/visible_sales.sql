-- Events of a run from a moment on, whole, in order.
SELECT
  id_evento, id_venta, TIME_FORMAT(__time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS ts, corrida,
  secuencia, sucursal, provincia, ciudad, cliente, producto, sku, categoria, cantidad,
  precio_unitario_centavos, descuento_centavos, importe_centavos, alicuota_iva, iva_centavos,
  tipo_pago, cuotas, COALESCE(emisor, '') AS emisor, estado, COALESCE(motivo, '') AS motivo,
  plataforma
FROM "{datasource}"
WHERE corrida = ? AND __time >= MILLIS_TO_TIMESTAMP(?)
ORDER BY __time
LIMIT 500
