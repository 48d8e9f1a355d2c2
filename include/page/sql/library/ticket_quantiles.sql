-- title: {es: Cuantiles del ticket por plataforma, en: Ticket quantiles by platform}
-- description:
--   es: "Cuantiles aproximados del importe de las ventas aprobadas, que unas pocas ventas muy
--     grandes no distorsionan: la mitad paga menos que la mediana y una de cada diez más que el
--     percentil 90."
--   en: "Approximate quantiles of the amount of approved sales, which a few very large sales do
--     not distort: half pay less than the median, one in ten more than the 90th percentile."
-- parameters:
--   - {name: desde, kind: time, default: -7d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: plataforma, kind: text, title: {es: Plataforma, en: Platform}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: p10_centavos, kind: money, title: {es: Percentil 10, en: 10th percentile}}
--   - {name: mediana_centavos, kind: money, title: {es: Mediana, en: Median}}
--   - {name: p90_centavos, kind: money, title: {es: Percentil 90, en: 90th percentile}}
--   - {name: p99_centavos, kind: money, title: {es: Percentil 99, en: 99th percentile}}
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
