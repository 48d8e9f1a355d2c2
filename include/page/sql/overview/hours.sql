-- Number of events in each hour.
SELECT TIME_FLOOR(__time, 'PT1H') AS moment, COUNT(*) AS events
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
GROUP BY 1
