-- # Events and amounts of each store by way to pay and number of instalments.
-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: sucursal, kind: text}
--   - {name: tipo_pago, kind: text}
--   - {name: emisor, kind: text}
--   - {name: cuotas, kind: number}
--   - {name: estado, kind: text}
--   - {name: events, kind: number}
--   - {name: amount, kind: money}
SELECT
  sucursal,
  tipo_pago,
  emisor,
  cuotas,
  estado,
  COUNT(*) AS events,
  SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1, 2, 3, 4, 5
