-- Sales of each product and store, and returns of each category, in the three hours before a moment
-- and before the same moment of earlier days. dia: how many days before; ventas_15 and ventas_60 are
-- those of the last minutes, and ultima is the last sale of the three hours. Three queries and not
-- GROUPING SETS, for which Druid would first group by all three at once: 14 times the work.
SELECT
  dia, 'producto' AS conjunto, COALESCE(producto, '') AS nombre,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 15) AS ventas_15,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 60) AS ventas_60,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas_180,
  COUNT(*) FILTER (WHERE estado = 'reembolsada') AS reembolsadas,
  COUNT(*) FILTER (WHERE estado = 'contracargo') AS contracargos,
  MAX(momento) FILTER (WHERE estado = 'pendiente') AS ultima
FROM (
  SELECT
    (? - 1 - TIMESTAMP_TO_MILLIS(__time)) / 86400000 AS dia,
    MOD(? - 1 - TIMESTAMP_TO_MILLIS(__time), 86400000) / 60000 AS minuto,
    TIMESTAMP_TO_MILLIS(__time) AS momento,
    producto, estado
  FROM "{datasource}"
  WHERE ({windows}){where}
)
GROUP BY dia, producto
UNION ALL
SELECT
  dia, 'sucursal' AS conjunto, COALESCE(sucursal, '') AS nombre,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 15) AS ventas_15,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 60) AS ventas_60,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas_180,
  COUNT(*) FILTER (WHERE estado = 'reembolsada') AS reembolsadas,
  COUNT(*) FILTER (WHERE estado = 'contracargo') AS contracargos,
  MAX(momento) FILTER (WHERE estado = 'pendiente') AS ultima
FROM (
  SELECT
    (? - 1 - TIMESTAMP_TO_MILLIS(__time)) / 86400000 AS dia,
    MOD(? - 1 - TIMESTAMP_TO_MILLIS(__time), 86400000) / 60000 AS minuto,
    TIMESTAMP_TO_MILLIS(__time) AS momento,
    sucursal, estado
  FROM "{datasource}"
  WHERE ({windows}){where}
)
GROUP BY dia, sucursal
UNION ALL
SELECT
  dia, 'categoria' AS conjunto, COALESCE(categoria, '') AS nombre,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 15) AS ventas_15,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 60) AS ventas_60,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas_180,
  COUNT(*) FILTER (WHERE estado = 'reembolsada') AS reembolsadas,
  COUNT(*) FILTER (WHERE estado = 'contracargo') AS contracargos,
  MAX(momento) FILTER (WHERE estado = 'pendiente') AS ultima
FROM (
  SELECT
    (? - 1 - TIMESTAMP_TO_MILLIS(__time)) / 86400000 AS dia,
    MOD(? - 1 - TIMESTAMP_TO_MILLIS(__time), 86400000) / 60000 AS minuto,
    TIMESTAMP_TO_MILLIS(__time) AS momento,
    categoria, estado
  FROM "{datasource}"
  WHERE ({windows}){where}
)
GROUP BY dia, categoria
