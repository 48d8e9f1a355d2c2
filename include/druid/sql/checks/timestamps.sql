-- title: Momentos de las ventas
-- description: Ventas con fecha de más de un minuto en el futuro, y ventas anteriores a la que las
--   precede en la secuencia de su corrida, que llegaron tarde o con otro reloj.
-- severity: error
-- bounds: futuras, retrocesos: 0..0
SELECT
  COUNT(*) AS ventas,
  COUNT(*) FILTER (WHERE __time > TIMESTAMPADD(MINUTE, 1, CURRENT_TIMESTAMP)) AS futuras,
  COUNT(*) FILTER (WHERE __time < anterior) AS retrocesos
FROM (
  SELECT __time, LAG(__time) OVER (PARTITION BY corrida ORDER BY secuencia) AS anterior
  FROM (
    -- A window function holds its rows in memory: the latest will do.
    SELECT __time, corrida, secuencia
    FROM "{datasource}"
    WHERE __time >= TIMESTAMPADD(MINUTE, -%(lookback_minutes)s, CURRENT_TIMESTAMP)
    ORDER BY __time DESC
    LIMIT 50000
  )
)
