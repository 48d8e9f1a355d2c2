-- title_es: Cuantiles del ticket por plataforma
-- title_en: Ticket quantiles by platform
-- description_es: Importe de las ventas aprobadas, sin el peso de las muy grandes - la mitad paga
--   menos que la mediana y una de cada diez paga más que el percentil 90. Son aproximados.
-- description_en: Amount of approved sales without the weight of very large ones - half pay less
--   than the median and one in ten more than the 90th percentile. Approximate.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: plataforma text; Plataforma; Platform
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: p10_centavos money; Percentil 10; 10th percentile
-- column: mediana_centavos money; Mediana; Median
-- column: p90_centavos money; Percentil 90; 90th percentile
-- column: p99_centavos money; Percentil 99; 99th percentile
-- chart: bar plataforma: p10_centavos, mediana_centavos, p90_centavos
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
