-- title: {es: Ventas por hora, en: Sales per hour}
-- description:
--   es: Ventas empezadas, aprobadas y facturación de cada hora local.
--   en: Sales begun, sales approved and revenue of each local hour.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: hora, kind: time, title: {es: Hora, en: Hour}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: aprobadas, kind: number, title: {es: Aprobadas, en: Approved}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
-- chart: {kind: line, x: hora, y: [ventas, aprobadas]}
SELECT
  TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1
ORDER BY 1
