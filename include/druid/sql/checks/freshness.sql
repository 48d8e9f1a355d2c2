-- severity: error
-- when: window_open
-- bounds:
--   - {column: atraso_segundos, maximum: 60}
SELECT
  COALESCE(SUM(ventas), 0) AS ventas,
  MIN(segundos) AS segundos_desde_la_ultima,
  MIN(segundos - 8 * pausa_media) AS atraso_segundos
FROM (
  SELECT
    COUNT(*) AS ventas,
    (TIMESTAMP_TO_MILLIS(CURRENT_TIMESTAMP) - TIMESTAMP_TO_MILLIS(MAX(__time))) / 1000.0
      AS segundos,
    COALESCE(
      (TIMESTAMP_TO_MILLIS(MAX(__time)) - TIMESTAMP_TO_MILLIS(MIN(__time))) / 1000.0
        / NULLIF(COUNT(*) - 1, 0),
      0
    ) AS pausa_media
  FROM "{datasource}"
  WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
    -- A sale of the future, which timestamps.sql tells of, is no sign of life.
    AND __time <= TIMESTAMPADD(MINUTE, 1, CURRENT_TIMESTAMP)
  GROUP BY corrida
)
