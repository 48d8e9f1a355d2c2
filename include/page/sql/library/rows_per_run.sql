-- title: {es: Filas por corrida, en: Rows per run}
-- description:
--   es: Eventos y ventas de cada corrida, con los momentos de su primer y su último evento.
--   en: Events and sales of each run, with the times of its first and last event.
-- parameters:
--   - {name: desde, kind: time, default: -30d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: corrida, kind: text, title: {es: Corrida, en: Run}}
--   - {name: eventos, kind: number, title: {es: Eventos, en: Events}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
--   - {name: primera, kind: time, title: {es: Primer evento, en: First event}}
--   - {name: ultima, kind: time, title: {es: Último evento, en: Last event}}
-- chart: {kind: bar, x: corrida, y: [eventos]}
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
