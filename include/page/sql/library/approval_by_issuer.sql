-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
--   - {name: minimo, kind: number, default: 10, minimum: 1, maximum: 1000000}
-- columns:
--   - {name: pago, kind: text}
--   - {name: aprobadas, kind: number}
--   - {name: rechazadas, kind: number}
--   - {name: aprobacion, kind: percent}
--   - {name: rechazado_centavos, kind: money}
-- chart: {kind: bar, x: pago, y: [aprobacion]}
SELECT
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COUNT(*) FILTER (WHERE estado = 'rechazada') AS rechazadas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / COUNT(*), 2) AS aprobacion,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'rechazada'), 0) AS rechazado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'rechazada')
GROUP BY 1
HAVING COUNT(*) >= :minimo
ORDER BY aprobacion
