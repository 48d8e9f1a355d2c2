-- severity: error
-- bounds:
--   - {column: id_evento, minimum: 0, maximum: 0}
--   - {column: id_venta, minimum: 0, maximum: 0}
--   - {column: corrida, minimum: 0, maximum: 0}
--   - {column: secuencia, minimum: 0, maximum: 0}
--   - {column: sucursal, minimum: 0, maximum: 0}
--   - {column: provincia, minimum: 0, maximum: 0}
--   - {column: ciudad, minimum: 0, maximum: 0}
--   - {column: cliente, minimum: 0, maximum: 0}
--   - {column: producto, minimum: 0, maximum: 0}
--   - {column: sku, minimum: 0, maximum: 0}
--   - {column: categoria, minimum: 0, maximum: 0}
--   - {column: cantidad, minimum: 0, maximum: 0}
--   - {column: precio_unitario_centavos, minimum: 0, maximum: 0}
--   - {column: descuento_centavos, minimum: 0, maximum: 0}
--   - {column: importe_centavos, minimum: 0, maximum: 0}
--   - {column: alicuota_iva, minimum: 0, maximum: 0}
--   - {column: iva_centavos, minimum: 0, maximum: 0}
--   - {column: tipo_pago, minimum: 0, maximum: 0}
--   - {column: cuotas, minimum: 0, maximum: 0}
--   - {column: emisor, minimum: 0, maximum: 0}
--   - {column: estado, minimum: 0, maximum: 0}
--   - {column: motivo, minimum: 0, maximum: 0}
--   - {column: plataforma, minimum: 0, maximum: 0}
-- faults:
--   cantidad: [tipo_erroneo]
SELECT
  COUNT(*) AS ventas,
  COUNT(*) - COUNT(id_evento) AS id_evento,
  COUNT(*) - COUNT(id_venta) AS id_venta,
  COUNT(*) - COUNT(corrida) AS corrida,
  COUNT(*) - COUNT(secuencia) AS secuencia,
  COUNT(*) - COUNT(sucursal) AS sucursal,
  COUNT(*) - COUNT(provincia) AS provincia,
  COUNT(*) - COUNT(ciudad) AS ciudad,
  COUNT(*) - COUNT(cliente) AS cliente,
  COUNT(*) - COUNT(producto) AS producto,
  COUNT(*) - COUNT(sku) AS sku,
  COUNT(*) - COUNT(categoria) AS categoria,
  COUNT(*) - COUNT(cantidad) AS cantidad,
  COUNT(*) - COUNT(precio_unitario_centavos) AS precio_unitario_centavos,
  COUNT(*) - COUNT(descuento_centavos) AS descuento_centavos,
  COUNT(*) - COUNT(importe_centavos) AS importe_centavos,
  COUNT(*) - COUNT(alicuota_iva) AS alicuota_iva,
  COUNT(*) - COUNT(iva_centavos) AS iva_centavos,
  COUNT(*) - COUNT(tipo_pago) AS tipo_pago,
  COUNT(*) - COUNT(cuotas) AS cuotas,
  COUNT(*) - COUNT(emisor) AS emisor,
  COUNT(*) - COUNT(estado) AS estado,
  COUNT(*) - COUNT(motivo) AS motivo,
  COUNT(*) - COUNT(plataforma) AS plataforma
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
