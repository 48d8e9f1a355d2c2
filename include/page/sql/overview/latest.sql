-- The latest events, newest first.
SELECT TIMESTAMP_TO_MILLIS(__time) AS moment, {columns}
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
ORDER BY __time DESC
LIMIT 25
