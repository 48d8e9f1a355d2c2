-- severity: warning
-- needs:
--   - {column: decididas, minimum: 200}
-- bounds:
--   - {column: aprobadas_porcentaje, minimum: 85, maximum: 99.5}
SELECT
  COUNT(*) AS decididas,
  100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / NULLIF(COUNT(*), 0) AS aprobadas_porcentaje
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
  AND estado IN ('aprobada', 'rechazada')
