-- parameters:
--   - {name: desde, kind: time, default: -7d}
--   - {name: hasta, kind: time, default: now}
--   - {name: tipo_pago, kind: choice, default: todos,
--       choices: [todos, efectivo, debito, credito, transferencia, qr, billetera]}
-- columns:
--   - {name: hora, kind: time}
--   - {name: decididas, kind: number}
--   - {name: aprobacion, kind: percent}
-- chart: {kind: line, x: hora, y: [aprobacion]}
SELECT
  TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) AS decididas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / COUNT(*), 2) AS aprobacion
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'rechazada')
  AND (:tipo_pago = 'todos' OR tipo_pago = :tipo_pago)
GROUP BY 1
ORDER BY 1
