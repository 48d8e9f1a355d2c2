-- Events and amounts of each state, by point of a chart.
SELECT TIME_FLOOR(__time, '{period}') AS moment, estado,
  COUNT(*) AS events, SUM(importe_centavos) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
GROUP BY 1, 2
