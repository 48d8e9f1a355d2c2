-- What was sold in each minute: sales begun, events, and when the first and the last one were, in
-- milliseconds of the epoch. A minute without events has no row.
SELECT
  TIMESTAMP_TO_MILLIS(TIME_FLOOR(__time, 'PT1M')) AS minute_start,
  SUM(CASE WHEN estado = 'pendiente' THEN 1 ELSE 0 END) AS sales,
  COUNT(*) AS events,
  TIMESTAMP_TO_MILLIS(MIN(__time)) AS first_at,
  TIMESTAMP_TO_MILLIS(MAX(__time)) AS last_at
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
GROUP BY 1
ORDER BY 1
