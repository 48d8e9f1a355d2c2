-- title: {es: Ritmo de las ventas, en: Cadence of sales}
-- description:
--   es: Ventas empezadas en cada minuto, y la mayor pausa entre dos ventas consecutivas de una
--     corrida.
--   en: Sales begun in each minute, and the longest pause between two consecutive sales of a run.
-- parameters:
--   - {name: minutos, kind: number, default: 60, minimum: 1, maximum: 1440,
--       label: {es: Minutos, en: Minutes}}
-- columns:
--   - {name: minuto, kind: time, title: {es: Minuto, en: Minute}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: pausa_media, kind: decimal, title: {es: Pausa media (s), en: Mean pause (s)}}
--   - {name: pausa_maxima, kind: decimal, title: {es: Pausa máxima (s), en: Longest pause (s)}}
-- chart: {kind: line, x: minuto, y: [ventas, pausa_maxima]}
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
