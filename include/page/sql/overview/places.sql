-- Events and amounts of each state, by where was bought.
SELECT provincia, sucursal, plataforma, estado,
  COUNT(*) AS events, SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
GROUP BY 1, 2, 3, 4
