-- severity: error
-- without: [tardio, desordenado]
-- bounds:
--   - {column: faltantes, minimum: 0, maximum: 0}
-- faults:
--   faltantes: [omitida]
SELECT
  COUNT(*) AS corridas,
  COALESCE(SUM(ventas), 0) AS ventas,
  COALESCE(SUM(ultima - primera + 1 - distintas), 0) AS faltantes
FROM (
  SELECT
    COUNT(*) AS ventas,
    MIN(secuencia) AS primera,
    MAX(secuencia) AS ultima,
    COUNT(DISTINCT secuencia) AS distintas
  FROM "{datasource}"
  WHERE estado = 'pendiente'
    AND __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
    AND __time < TIMESTAMPADD(SECOND, -15, CURRENT_TIMESTAMP)
  GROUP BY corrida
)
