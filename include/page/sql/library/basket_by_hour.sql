-- title: {es: Compra típica según la hora, en: Typical purchase by hour of the day}
-- description:
--   es: Unidades y ticket de las ventas aprobadas de cada hora del día, de todos los días del
--     lapso.
--   en: Units and ticket of approved sales by hour of the day, over all days of the period.
-- parameters:
--   - {name: desde, kind: time, default: -7d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: hora, kind: number, title: {es: Hora del día, en: Hour of the day}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: unidades, kind: decimal, title: {es: Unidades por venta, en: Units a sale}}
--   - {name: ticket_centavos, kind: money, title: {es: Ticket medio, en: Average ticket}}
--   - {name: mediana_centavos, kind: money, title: {es: Ticket mediano, en: Median ticket}}
-- chart: {kind: line, x: hora, y: [ticket_centavos, mediana_centavos]}
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
