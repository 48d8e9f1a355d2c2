-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: hora, kind: time}
--   - {name: ventas, kind: number}
--   - {name: aprobadas, kind: number}
--   - {name: facturado_centavos, kind: money}
-- chart: {kind: line, x: hora, y: [ventas, aprobadas]}
SELECT
  TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1
ORDER BY 1
