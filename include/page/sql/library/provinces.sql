-- title_es: Provincias
-- title_en: Provinces
-- description_es: Facturación y participación de las sucursales de cada provincia, y cuántas
--   venden.
-- description_en: Revenue and share of the stores of each province, and how many of them sell.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: provincia text; Provincia; Province
-- column: sucursales number; Sucursales; Stores
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: facturado_centavos money; Facturado; Revenue
-- column: por_sucursal_centavos money; Por sucursal; By store
-- column: parte percent; Participación; Share
-- chart: bar provincia: facturado_centavos
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
