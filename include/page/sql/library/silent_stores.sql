-- title_es: Sucursales en silencio
-- title_en: Silent stores
-- description_es: Cuánto hace que cada sucursal empezó su última venta, y cuántas suele empezar
--   en una hora de las que se miran. De noche, lo común es que esté cerrada.
-- description_en: How long ago each store began its last sale, and how many it begins in an hour
--   of those looked at. At night, it is usually closed.
-- parameter: horas number 24 1..1000; Horas que se miran; Hours looked at
-- column: sucursal text; Sucursal; Store
-- column: provincia text; Provincia; Province
-- column: ventas number; Ventas; Sales
-- column: por_hora decimal; Ventas por hora; Sales an hour
-- column: ultima time; Última venta; Last sale
-- column: minutos_callada number; Minutos sin vender; Minutes without a sale
-- chart: bar sucursal: minutos_callada
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
