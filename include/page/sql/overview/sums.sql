-- Events and amounts by the values of some columns.
SELECT {columns}, COUNT(*) AS events, SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
GROUP BY {columns}
