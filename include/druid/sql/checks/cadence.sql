-- severity: warning
-- when: window_open
-- needs:
--   - {column: pausas, minimum: 30}
-- without: [tardio, desordenado, rafaga, silencio, duplicado, tipo_erroneo, importe_absurdo, omitida]
-- bounds:
--   - {column: pausa_media, minimum: 0.95, maximum: 2.1}
--   - {column: pausa_p95, maximum: 2.5}
--   - {column: pausa_maxima, maximum: 15}
SELECT
  COUNT(pausa) AS pausas,
  AVG(pausa) AS pausa_media,
  APPROX_QUANTILE_DS(pausa, 0.5) AS pausa_p50,
  APPROX_QUANTILE_DS(pausa, 0.95) AS pausa_p95,
  MAX(pausa) AS pausa_maxima
FROM (
  SELECT
    (TIMESTAMP_TO_MILLIS(__time) - TIMESTAMP_TO_MILLIS(
      LAG(__time) OVER (PARTITION BY corrida ORDER BY secuencia)
    )) / 1000.0 AS pausa
  FROM (
    -- A window function holds its rows in memory: the latest will do. It refuses a column in which
    -- any row has a list, as a foreign record may.
    SELECT __time, MV_TO_STRING(corrida, ',') AS corrida, secuencia
    FROM "{datasource}"
    WHERE estado = 'pendiente'
      -- The back-fill sells on the demand curve.
      AND corrida NOT LIKE 'relleno%'
      AND __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
    ORDER BY __time DESC
    LIMIT 50000
  )
)
