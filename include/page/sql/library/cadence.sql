-- title_es: Ritmo de las ventas
-- title_en: Cadence of sales
-- description_es: Ventas empezadas en cada minuto y la mayor pausa entre dos consecutivas de una
--   corrida.
-- description_en: Sales begun in each minute, and the longest pause between two in a row of a
--   run.
-- parameter: minutos number 60 1..1440; Minutos; Minutes
-- column: minuto time; Minuto; Minute
-- column: ventas number; Ventas; Sales
-- column: pausa_media decimal; Pausa media (s); Mean pause (s)
-- column: pausa_maxima decimal; Pausa máxima (s); Longest pause (s)
-- chart: line minuto: ventas, pausa_maxima
SELECT
  TIME_FLOOR(momento, 'PT1M') AS minuto,
  COUNT(*) AS ventas,
  ROUND(AVG(pausa), 3) AS pausa_media,
  ROUND(MAX(pausa), 3) AS pausa_maxima
FROM (
  SELECT
    momento,
    (TIMESTAMP_TO_MILLIS(momento) - TIMESTAMP_TO_MILLIS(
      LAG(momento) OVER (PARTITION BY corrida ORDER BY secuencia)
    )) / 1000.0 AS pausa
  FROM (
    -- A window function holds its rows in memory: the latest will do. It refuses a column in which
    -- any row has a list, as a foreign record may.
    SELECT __time AS momento, MV_TO_STRING(corrida, ',') AS corrida, secuencia
    FROM "{datasource}"
    WHERE estado = 'pendiente'
      AND __time >= TIMESTAMPADD(MINUTE, -:minutos, CURRENT_TIMESTAMP)
    ORDER BY __time DESC
    LIMIT 50000
  )
)
GROUP BY 1
ORDER BY 1
