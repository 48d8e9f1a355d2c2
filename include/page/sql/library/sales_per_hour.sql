-- title_es: Ventas por hora
-- title_en: Sales per hour
-- description_es: Ventas empezadas, aprobadas y facturación de cada hora local.
-- description_en: Sales begun, sales approved and revenue of each local hour.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: hora time; Hora; Hour
-- column: ventas number; Ventas; Sales
-- column: aprobadas number; Aprobadas; Approved
-- column: facturado_centavos money; Facturado; Revenue
-- chart: line hora: ventas, aprobadas
SELECT
  TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1
ORDER BY 1
