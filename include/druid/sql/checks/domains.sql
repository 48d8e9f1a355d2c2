-- severity: error
-- bounds:
--   - {column: id_evento, minimum: 0, maximum: 0}
--   - {column: id_venta, minimum: 0, maximum: 0}
--   - {column: corrida, minimum: 0, maximum: 0}
--   - {column: secuencia, minimum: 0, maximum: 0}
--   - {column: sucursal, minimum: 0, maximum: 0}
--   - {column: provincia, minimum: 0, maximum: 0}
--   - {column: ciudad, minimum: 0, maximum: 0}
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
--   - {column: estado, minimum: 0, maximum: 0}
--   - {column: plataforma, minimum: 0, maximum: 0}
-- faults:
--   cantidad: [tipo_erroneo]
SELECT
  COUNT(*) AS ventas,
  COUNT(*) FILTER (WHERE id_evento = '') AS id_evento,
  COUNT(*) FILTER (WHERE id_venta = '') AS id_venta,
  COUNT(*) FILTER (WHERE corrida = '') AS corrida,
  COUNT(*) FILTER (WHERE secuencia < 0) AS secuencia,
  COUNT(*) FILTER (WHERE sucursal = '') AS sucursal,
  COUNT(*) FILTER (WHERE provincia = '') AS provincia,
  COUNT(*) FILTER (WHERE ciudad = '') AS ciudad,
  COUNT(*) FILTER (WHERE producto = '') AS producto,
  COUNT(*) FILTER (WHERE sku = '') AS sku,
  COUNT(*) FILTER (WHERE categoria = '') AS categoria,
  COUNT(*) FILTER (WHERE cantidad < 1) AS cantidad,
  COUNT(*) FILTER (WHERE precio_unitario_centavos < 1) AS precio_unitario_centavos,
  COUNT(*) FILTER (WHERE descuento_centavos < 0) AS descuento_centavos,
  COUNT(*) FILTER (WHERE importe_centavos < 0) AS importe_centavos,
  COUNT(*) FILTER (WHERE alicuota_iva NOT IN (1050, 2100)) AS alicuota_iva,
  COUNT(*) FILTER (WHERE iva_centavos < 0) AS iva_centavos,
  COUNT(*) FILTER (
    WHERE tipo_pago NOT IN ('billetera', 'credito', 'debito', 'efectivo', 'qr', 'transferencia')
  ) AS tipo_pago,
  COUNT(*) FILTER (WHERE cuotas < 1) AS cuotas,
  COUNT(*) FILTER (
    WHERE estado NOT IN ('aprobada', 'contracargo', 'pendiente', 'rechazada', 'reembolsada')
  ) AS estado,
  COUNT(*) FILTER (
    WHERE plataforma NOT IN ('app', 'local', 'marketplace', 'web', 'whatsapp')
  ) AS plataforma
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
