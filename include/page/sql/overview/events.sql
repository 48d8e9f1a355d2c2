-- Events one by one, in no order; no more than are worth to be read so.
SELECT TIMESTAMP_TO_MILLIS(__time) AS moment, {columns}
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
LIMIT {most}
