-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: tipo_pago, kind: text}
--   - {name: ventas, kind: number}
--   - {name: parte, kind: percent}
--   - {name: facturado_centavos, kind: money}
--   - {name: parte_facturado, kind: percent}
-- chart: {kind: bar, x: tipo_pago, y: [parte, parte_facturado]}
SELECT
  tipo_pago,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE estado = 'pendiente') / NULLIF(MAX(todas), 0), 2
  ) AS parte,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos,
  ROUND(
    100.0 * SUM(importe_centavos) FILTER (WHERE estado = 'aprobada') / NULLIF(MAX(todo), 0), 2
  ) AS parte_facturado
FROM "{datasource}"
-- Not by a window: Druid 33 takes 200 MB to sort what a window function gives.
CROSS JOIN (
  SELECT
    COUNT(*) FILTER (WHERE estado = 'pendiente') AS todas,
    SUM(importe_centavos) FILTER (WHERE estado = 'aprobada') AS todo
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
)
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1
ORDER BY ventas DESC
