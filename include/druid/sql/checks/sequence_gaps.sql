-- title: Ventas faltantes
-- description: Números de secuencia que faltan entre la primera y la última venta de cada
--   corrida; toda venta empieza pendiente. No mira los últimos 15 segundos, en los que una
--   partición puede ir detrás de otra.
-- severity: error
-- without: [tardio, desordenado]
-- bounds:
--   - {column: faltantes, minimum: 0, maximum: 0}
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
