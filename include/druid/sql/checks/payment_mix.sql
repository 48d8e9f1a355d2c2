-- title: Mezcla de medios de pago
-- description: Porcentaje de las ventas, contadas en su primer paso, por tipo de pago. Los límites dejan lugar al azar de 200
--   ventas alrededor de lo que dan los datos de include/sales/data a cualquier hora del año.
-- severity: warning
-- needs: ventas: 200..
-- bounds: efectivo: 0..34
-- bounds: debito: 6..39
-- bounds: credito: 19..64
-- bounds: transferencia: 0..33
-- bounds: qr: 0..28
-- bounds: billetera: 0..23
SELECT
  COUNT(*) AS ventas,
  100.0 * COUNT(*) FILTER (WHERE tipo_pago = 'efectivo') / NULLIF(COUNT(*), 0) AS efectivo,
  100.0 * COUNT(*) FILTER (WHERE tipo_pago = 'debito') / NULLIF(COUNT(*), 0) AS debito,
  100.0 * COUNT(*) FILTER (WHERE tipo_pago = 'credito') / NULLIF(COUNT(*), 0) AS credito,
  100.0 * COUNT(*) FILTER (WHERE tipo_pago = 'transferencia') / NULLIF(COUNT(*), 0)
    AS transferencia,
  100.0 * COUNT(*) FILTER (WHERE tipo_pago = 'qr') / NULLIF(COUNT(*), 0) AS qr,
  100.0 * COUNT(*) FILTER (WHERE tipo_pago = 'billetera') / NULLIF(COUNT(*), 0) AS billetera
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -%(lookback_minutes)s, CURRENT_TIMESTAMP)
  AND estado = 'pendiente'
