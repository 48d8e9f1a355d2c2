-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
--   - {name: categoria, kind: text}
--   - {name: cuantos, kind: number, default: 20, minimum: 1, maximum: 500}
-- columns:
--   - {name: producto, kind: text}
--   - {name: categoria, kind: text}
--   - {name: ventas, kind: number}
--   - {name: unidades, kind: number}
--   - {name: facturado_centavos, kind: money}
-- chart: {kind: bar, x: producto, y: [facturado_centavos]}
SELECT
  producto,
  categoria,
  COUNT(*) AS ventas,
  SUM(cantidad) AS unidades,
  SUM(importe_centavos) AS facturado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada' AND (:categoria = '' OR categoria = :categoria)
GROUP BY 1, 2
ORDER BY facturado_centavos DESC
LIMIT :cuantos
