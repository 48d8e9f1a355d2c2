-- Events and amounts of each state.
SELECT estado, COUNT(*) AS eventos, SUM(importe_centavos) AS importe
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
GROUP BY 1
