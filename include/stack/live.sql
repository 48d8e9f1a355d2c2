-- Sales of a run that have become visible since the last look, whole, in order.
SELECT
  id_evento, id_venta, TIME_FORMAT(__time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS ts, corrida,
  secuencia, sucursal, provincia, ciudad, producto, sku, categoria, cantidad,
  precio_unitario_centavos, descuento_centavos, importe_centavos, alicuota_iva, iva_centavos,
  tipo_pago, cuotas, COALESCE(emisor, '') AS emisor, estado, COALESCE(motivo, '') AS motivo,
  plataforma
FROM "{datasource}"
WHERE corrida = ? AND secuencia > ?
ORDER BY __time
LIMIT 200
