-- # Events and amounts of each store by product; only the states that the report shows.
-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: sucursal, kind: text}
--   - {name: categoria, kind: text}
--   - {name: producto, kind: text}
--   - {name: estado, kind: text}
--   - {name: events, kind: number}
--   - {name: amount, kind: money}
SELECT
  sucursal,
  categoria,
  producto,
  estado,
  COUNT(*) AS events,
  SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'reembolsada', 'contracargo')
GROUP BY 1, 2, 3, 4
