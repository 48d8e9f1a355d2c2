-- severity: error
-- bounds:
--   - {column: duplicados, minimum: 0, maximum: 0}
-- faults:
--   duplicados: [duplicado]
SELECT
  COUNT(*) AS ventas,
  COUNT(id_evento) - COUNT(DISTINCT id_evento) AS duplicados
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
