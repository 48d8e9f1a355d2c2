-- title: Valores fuera de dominio
-- description: Filas con un valor que el evento no admite, por campo; los dominios son los de
--   include/sales/event.py. Un número ilegible llega a Druid como 0.
-- severity: error
-- bounds: id_evento: 0..0
-- bounds: id_venta: 0..0
-- bounds: corrida: 0..0
-- bounds: secuencia: 0..0
-- bounds: sucursal: 0..0
-- bounds: provincia: 0..0
-- bounds: ciudad: 0..0
-- bounds: producto: 0..0
-- bounds: sku: 0..0
-- bounds: categoria: 0..0
-- bounds: cantidad: 0..0
-- bounds: precio_unitario_centavos: 0..0
-- bounds: descuento_centavos: 0..0
-- bounds: importe_centavos: 0..0
-- bounds: alicuota_iva: 0..0
-- bounds: iva_centavos: 0..0
-- bounds: tipo_pago: 0..0
-- bounds: cuotas: 0..0
-- bounds: estado: 0..0
-- bounds: plataforma: 0..0
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
