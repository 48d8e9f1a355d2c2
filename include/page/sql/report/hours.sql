-- # Events and amounts of each store by local hour, from a moment to before another.
-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: sucursal, kind: text}
--   - {name: hora, kind: number}
--   - {name: estado, kind: text}
--   - {name: events, kind: number}
--   - {name: amount, kind: money}
SELECT
  sucursal,
  TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora,
  estado,
  COUNT(*) AS events,
  SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1, 2, 3
