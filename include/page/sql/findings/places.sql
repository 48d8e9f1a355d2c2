-- Sales of each value of {column}, such as each store, in the three hours before a moment and before
-- the same moment of earlier days. dia: how many days before; ventas_15 and ventas_60 are those of the
-- last minutes, and ultima is the last sale of the three hours.
SELECT
  dia, {column} AS nombre,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 15) AS ventas_15,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND minuto < 60) AS ventas_60,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas_180,
  MAX(momento) FILTER (WHERE estado = 'pendiente') AS ultima{by}
FROM (
  SELECT
    (? - 1 - TIMESTAMP_TO_MILLIS(__time)) / 86400000 AS dia,
    MOD(? - 1 - TIMESTAMP_TO_MILLIS(__time), 86400000) / 60000 AS minuto,
    TIMESTAMP_TO_MILLIS(__time) AS momento,
    {column}, estado{filtered}
  FROM "{datasource}"
  WHERE ({windows}){where}
)
GROUP BY dia, {column}{by}
