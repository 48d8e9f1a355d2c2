-- severity: error
-- bounds:
--   - {column: decididas_de_mas, minimum: 0, maximum: 0}
--   - {column: decididas_antes, minimum: 0, maximum: 0}
--   - {column: devueltas_sin_aprobar, minimum: 0, maximum: 0}
--   - {column: devueltas_antes, minimum: 0, maximum: 0}
SELECT
  COUNT(*) AS ventas,
  COUNT(*) FILTER (WHERE decisiones > 1) AS decididas_de_mas,
  COUNT(*) FILTER (WHERE decidida < empezada) AS decididas_antes,
  COUNT(*) FILTER (WHERE devuelta IS NOT NULL AND aprobada IS NULL) AS devueltas_sin_aprobar,
  COUNT(*) FILTER (WHERE devuelta < aprobada) AS devueltas_antes
FROM (
  SELECT
    MAX(CASE WHEN estado = 'aprobada' THEN 1 ELSE 0 END)
      + MAX(CASE WHEN estado = 'rechazada' THEN 1 ELSE 0 END) AS decisiones,
    MIN(CASE WHEN estado = 'pendiente' THEN __time END) AS empezada,
    MIN(CASE WHEN estado IN ('aprobada', 'rechazada') THEN __time END) AS decidida,
    MIN(CASE WHEN estado = 'aprobada' THEN __time END) AS aprobada,
    MIN(CASE WHEN estado IN ('reembolsada', 'contracargo') THEN __time END) AS devuelta
  FROM (
    -- Druid takes at most 100,000 rows of subqueries, each counted: the latest will do.
    SELECT __time, id_venta, estado
    FROM "{datasource}"
    WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
    ORDER BY __time DESC
    LIMIT 30000
  )
  GROUP BY id_venta
)
WHERE empezada IS NOT NULL
