-- severity: warning
-- needs:
--   - {column: ventas, minimum: 200}
-- bounds:
--   - {column: efectivo, minimum: 0, maximum: 34}
--   - {column: debito, minimum: 6, maximum: 39}
--   - {column: credito, minimum: 19, maximum: 64}
--   - {column: transferencia, minimum: 0, maximum: 33}
--   - {column: qr, minimum: 0, maximum: 28}
--   - {column: billetera, minimum: 0, maximum: 23}
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
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
  AND estado = 'pendiente'
