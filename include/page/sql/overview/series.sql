-- Events and amounts of each state, by point of a chart.
SELECT TIME_FLOOR(__time, '{period}') AS momento, estado,
  COUNT(*) AS eventos, SUM(importe_centavos) AS importe
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?){where}
GROUP BY 1, 2
