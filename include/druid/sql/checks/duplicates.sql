-- title: Eventos duplicados
-- description: Filas de más con un id_evento que ya está. La cuenta es exacta, no aproximada.
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
