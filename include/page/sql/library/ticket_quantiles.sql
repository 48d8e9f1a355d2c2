-- parameters:
--   - {name: desde, kind: time, default: -7d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: plataforma, kind: text}
--   - {name: ventas, kind: number}
--   - {name: p10_centavos, kind: money}
--   - {name: mediana_centavos, kind: money}
--   - {name: p90_centavos, kind: money}
--   - {name: p99_centavos, kind: money}
-- chart: {kind: bar, x: plataforma, y: [p10_centavos, mediana_centavos, p90_centavos]}
SELECT
  plataforma,
  COUNT(*) AS ventas,
  CAST(APPROX_QUANTILE_DS(importe_centavos, 0.1) AS BIGINT) AS p10_centavos,
  CAST(APPROX_QUANTILE_DS(importe_centavos, 0.5) AS BIGINT) AS mediana_centavos,
  CAST(APPROX_QUANTILE_DS(importe_centavos, 0.9) AS BIGINT) AS p90_centavos,
  CAST(APPROX_QUANTILE_DS(importe_centavos, 0.99) AS BIGINT) AS p99_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY ventas DESC
