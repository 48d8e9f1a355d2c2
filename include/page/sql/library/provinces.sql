-- title: {es: Provincias, en: Provinces}
-- description:
--   es: Facturación y participación de las sucursales de cada provincia, y cuántas venden.
--   en: Revenue and share of the stores of each province, and how many of them sell.
-- parameters:
--   - {name: desde, kind: time, default: -7d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: provincia, kind: text, title: {es: Provincia, en: Province}}
--   - {name: sucursales, kind: number, title: {es: Sucursales, en: Stores}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
--   - {name: por_sucursal_centavos, kind: money, title: {es: Por sucursal, en: By store}}
--   - {name: parte, kind: percent, title: {es: Participación, en: Share}}
-- chart: {kind: bar, x: provincia, y: [facturado_centavos]}
SELECT
  provincia,
  COUNT(DISTINCT sucursal) AS sucursales,
  COUNT(*) AS ventas,
  SUM(importe_centavos) AS facturado_centavos,
  SUM(importe_centavos) / NULLIF(COUNT(DISTINCT sucursal), 0) AS por_sucursal_centavos,
  ROUND(100.0 * SUM(importe_centavos) / NULLIF(MAX(total), 0), 2) AS parte
FROM "{datasource}"
-- Not by a window: Druid 33 takes 200 MB to sort what a window function gives.
CROSS JOIN (
  SELECT SUM(importe_centavos) AS total
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
    AND estado = 'aprobada'
)
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY facturado_centavos DESC
