-- title: {es: Sucursales en silencio, en: Silent stores}
-- description:
--   es: Cuánto hace que cada sucursal empezó su última venta, y cuántas suele empezar en una hora
--     de las que se miran. De noche, lo común es que esté cerrada.
--   en: How long ago each store began its last sale, and how many it begins in an hour of those
--     looked at. At night, it is usually closed.
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
