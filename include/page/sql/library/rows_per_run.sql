-- title_es: Filas por corrida
-- title_en: Rows per run
-- description_es: Eventos y ventas de cada corrida, y entre qué momentos.
-- description_en: Events and sales of each run, and between which times.
-- parameter: desde time -30d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: corrida text; Corrida; Run
-- column: eventos number; Eventos; Events
-- column: ventas number; Ventas; Sales
-- column: facturado_centavos money; Facturado; Revenue
-- column: primera time; Primer evento; First event
-- column: ultima time; Último evento; Last event
-- chart: bar corrida: eventos
SELECT
  corrida,
  COUNT(*) AS eventos,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos,
  MIN(__time) AS primera,
  MAX(__time) AS ultima
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1
ORDER BY ultima DESC
