-- title: {es: Sucursales en silencio, en: Silent stores}
-- description:
--   es: Minutos desde que cada sucursal empezó su última venta, y cuántas ventas empieza por hora
--     en las horas consultadas. De noche, una sucursal en silencio suele estar cerrada.
--   en: Minutes since each store began its last sale, and its sales per hour in the hours looked
--     at. At night a silent store is usually closed.
-- parameters:
--   - {name: horas, kind: number, default: 24, minimum: 1, maximum: 1000,
--       label: {es: Horas que se miran, en: Hours looked at}}
-- columns:
--   - {name: sucursal, kind: text, title: {es: Sucursal, en: Store}}
--   - {name: provincia, kind: text, title: {es: Provincia, en: Province}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: por_hora, kind: decimal, title: {es: Ventas por hora, en: Sales an hour}}
--   - {name: ultima, kind: time, title: {es: Última venta, en: Last sale}}
--   - {name: minutos_callada, kind: number,
--       title: {es: Minutos sin vender, en: Minutes without a sale}}
-- chart: {kind: bar, x: sucursal, y: [minutos_callada]}
SELECT
  sucursal,
  provincia,
  COUNT(*) AS ventas,
  ROUND(1.0 * COUNT(*) / :horas, 2) AS por_hora,
  MAX(__time) AS ultima,
  TIMESTAMPDIFF(MINUTE, MAX(__time), CURRENT_TIMESTAMP) AS minutos_callada
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP) AND __time < CURRENT_TIMESTAMP
  AND estado = 'pendiente'
GROUP BY 1, 2
ORDER BY ultima
