-- parameters:
--   - {name: minutos, kind: number, default: 60, minimum: 1, maximum: 1440}
-- columns:
--   - {name: minuto, kind: time}
--   - {name: ventas, kind: number}
--   - {name: pausa_media, kind: decimal}
--   - {name: pausa_maxima, kind: decimal}
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
