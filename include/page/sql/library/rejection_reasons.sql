-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: motivo, kind: text}
--   - {name: tipo_pago, kind: text}
--   - {name: rechazadas, kind: number}
--   - {name: importe_centavos, kind: money}
-- chart: {kind: bar, x: motivo, y: [rechazadas]}
SELECT motivo, tipo_pago, COUNT(*) AS rechazadas, SUM(importe_centavos) AS importe_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'rechazada'
GROUP BY 1, 2
ORDER BY rechazadas DESC
