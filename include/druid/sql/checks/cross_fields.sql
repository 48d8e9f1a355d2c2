-- title: Coherencia entre campos
-- description: Cuotas solo con crédito, motivo solo y siempre en las rechazadas, emisor solo y
--   siempre en los pagos que lo tienen.
-- severity: error
-- bounds: cuotas_sin_credito, motivo_sin_rechazo, rechazo_sin_motivo: 0..0
-- bounds: emisor_indebido, emisor_faltante: 0..0
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
WHERE __time >= TIMESTAMPADD(MINUTE, -%(lookback_minutes)s, CURRENT_TIMESTAMP)
