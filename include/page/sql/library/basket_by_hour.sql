-- title_es: Compra típica según la hora
-- title_en: Typical purchase by hour of the day
-- description_es: Unidades y ticket de las ventas aprobadas de cada hora del día, de todos los
--   días del lapso.
-- description_en: Units and ticket of approved sales by hour of the day, over all days of the
--   period.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: hora number; Hora del día; Hour of the day
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: unidades decimal; Unidades por venta; Units a sale
-- column: ticket_centavos money; Ticket medio; Average ticket
-- column: mediana_centavos money; Ticket mediano; Median ticket
-- chart: line hora: ticket_centavos, mediana_centavos
SELECT
  TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) AS ventas,
  ROUND(1.0 * SUM(cantidad) / COUNT(*), 2) AS unidades,
  SUM(importe_centavos) / COUNT(*) AS ticket_centavos,
  CAST(APPROX_QUANTILE_DS(importe_centavos, 0.5) AS BIGINT) AS mediana_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY 1
