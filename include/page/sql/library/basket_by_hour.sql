-- parameters:
--   - {name: desde, kind: time, default: -7d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: hora, kind: number}
--   - {name: ventas, kind: number}
--   - {name: unidades, kind: decimal}
--   - {name: ticket_centavos, kind: money}
--   - {name: mediana_centavos, kind: money}
-- chart: {kind: line, x: hora, y: [ticket_centavos, mediana_centavos]}
SELECT
  TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) AS ventas,
  ROUND(1.0 * SUM(cantidad) / COUNT(*), 2) AS unidades,
  SUM(importe_centavos) / COUNT(*) AS ticket_centavos,
  CAST(APPROX_QUANTILE_DS(importe_centavos, 0.5) AS BIGINT) AS mediana_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY 1
