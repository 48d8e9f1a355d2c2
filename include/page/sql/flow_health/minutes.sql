-- What was sold in each minute: sales begun, events, and when the first and the last one were, in
-- milliseconds of the epoch. A minute without events has no row.
SELECT
  TIMESTAMP_TO_MILLIS(TIME_FLOOR(__time, 'PT1M')) AS minuto,
  SUM(CASE WHEN estado = 'pendiente' THEN 1 ELSE 0 END) AS ventas,
  COUNT(*) AS eventos,
  TIMESTAMP_TO_MILLIS(MIN(__time)) AS primera,
  TIMESTAMP_TO_MILLIS(MAX(__time)) AS ultima
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
GROUP BY 1
ORDER BY 1
