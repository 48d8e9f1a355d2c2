-- severity: error
-- bounds:
--   - {column: cuotas_sin_credito, minimum: 0, maximum: 0}
--   - {column: motivo_sin_rechazo, minimum: 0, maximum: 0}
--   - {column: rechazo_sin_motivo, minimum: 0, maximum: 0}
--   - {column: emisor_indebido, minimum: 0, maximum: 0}
--   - {column: emisor_faltante, minimum: 0, maximum: 0}
SELECT
  COUNT(*) AS ventas,
  COUNT(*) FILTER (WHERE cuotas > 1 AND tipo_pago <> 'credito') AS cuotas_sin_credito,
  COUNT(*) FILTER (WHERE motivo <> '' AND estado <> 'rechazada') AS motivo_sin_rechazo,
  COUNT(*) FILTER (WHERE motivo = '' AND estado = 'rechazada') AS rechazo_sin_motivo,
  COUNT(*) FILTER (
    WHERE emisor <> '' AND tipo_pago NOT IN ('debito', 'credito', 'qr', 'billetera')
  ) AS emisor_indebido,
  COUNT(*) FILTER (
    WHERE emisor = '' AND tipo_pago IN ('debito', 'credito', 'qr', 'billetera')
  ) AS emisor_faltante
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
