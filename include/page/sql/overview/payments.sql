-- Events and amounts of each state, by how was paid.
SELECT tipo_pago, emisor, cuotas, estado, COUNT(*) AS events, SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
GROUP BY 1, 2, 3, 4
