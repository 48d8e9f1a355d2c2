-- Sales and returns of each category in the three hours before a moment and before the same moment of
-- earlier days. dia: how many days before; ventas_15 and ventas_60 are those of the last minutes.
SELECT
  dia, categoria AS nombre,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 15) AS ventas_15,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 60) AS ventas_60,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas_180,
  COUNT(*) FILTER (WHERE estado = 'reembolsada') AS reembolsadas,
  COUNT(*) FILTER (WHERE estado = 'contracargo') AS contracargos{by}
FROM (
  SELECT
    (? - 1 - TIMESTAMP_TO_MILLIS(__time)) / 86400000 AS dia,
    MOD(? - 1 - TIMESTAMP_TO_MILLIS(__time), 86400000) / 60000 AS minuto,
    categoria, estado{filtered}
  FROM "{datasource}"
  WHERE ({windows}){where}
)
GROUP BY dia, categoria{by}
