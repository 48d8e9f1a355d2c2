-- severity: error
-- bounds:
--   - {column: futuras, minimum: 0, maximum: 0}
--   - {column: retrocesos, minimum: 0, maximum: 0}
-- faults:
--   retrocesos: [tardio, desordenado]
SELECT
  COUNT(*) AS ventas,
  COUNT(*) FILTER (WHERE __time > TIMESTAMPADD(MINUTE, 1, CURRENT_TIMESTAMP)) AS futuras,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND __time < anterior) AS retrocesos
FROM (
  SELECT
    __time,
    estado,
    LAG(__time) OVER (PARTITION BY corrida, estado ORDER BY secuencia) AS anterior
  FROM (
    -- A window function holds its rows in memory: the latest will do. It refuses a column in which
    -- any row has a list, as a foreign record may.
    SELECT __time, MV_TO_STRING(corrida, ',') AS corrida, secuencia,
      MV_TO_STRING(estado, ',') AS estado
    FROM "{datasource}"
    WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
    ORDER BY __time DESC
    LIMIT 50000
  )
)
