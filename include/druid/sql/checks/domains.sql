-- title: Valores fuera de dominio
-- description: Filas con un valor que el evento no admite, por campo; los dominios son los de
--   include/sales/event.py. Un número ilegible llega a Druid como 0.
-- severity: error
-- bounds: id_evento, id_venta, corrida, secuencia, sucursal, provincia, ciudad, producto, sku,
--   categoria, cantidad, precio_unitario_centavos, descuento_centavos, importe_centavos,
--   alicuota_iva, iva_centavos, tipo_pago, cuotas, estado, plataforma: 0..0
-- faults: cantidad: tipo_erroneo
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
WHERE __time >= TIMESTAMPADD(MINUTE, -%(lookback_minutes)s, CURRENT_TIMESTAMP)
