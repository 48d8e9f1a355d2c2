-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: categoria, kind: text}
--   - {name: ventas, kind: number}
--   - {name: unidades, kind: number}
--   - {name: facturado_centavos, kind: money}
--   - {name: ticket_centavos, kind: money}
--   - {name: parte, kind: percent}
-- chart: {kind: bar, x: categoria, y: [facturado_centavos]}
SELECT
  categoria,
  COUNT(*) AS ventas,
  SUM(cantidad) AS unidades,
  SUM(importe_centavos) AS facturado_centavos,
  SUM(importe_centavos) / COUNT(*) AS ticket_centavos,
  ROUND(100.0 * SUM(importe_centavos) / NULLIF(MAX(total), 0), 2) AS parte
FROM "{datasource}"
-- Not by a window: Druid 33 takes 200 MB to sort what a window function gives.
CROSS JOIN (
  SELECT SUM(importe_centavos) AS total
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
    AND estado = 'aprobada'
)
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY facturado_centavos DESC
