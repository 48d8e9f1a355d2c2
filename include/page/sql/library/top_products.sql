-- title_es: Productos que más facturan
-- title_en: Best-selling products
-- description_es: Por importe aprobado, con sus unidades; de una categoría o de todas si queda
--   vacía.
-- description_en: By approved amount, with their units; of one category, or of all if left blank.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- parameter: categoria text; Categoría; Category
-- parameter: cuantos number 20 1..500; Cuántos; How many
-- column: producto text; Producto; Product
-- column: categoria text; Categoría; Category
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: unidades number; Unidades; Units
-- column: facturado_centavos money; Facturado; Revenue
-- chart: bar producto: facturado_centavos
SELECT
  producto,
  categoria,
  COUNT(*) AS ventas,
  SUM(cantidad) AS unidades,
  SUM(importe_centavos) AS facturado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada' AND (:categoria = '' OR categoria = :categoria)
GROUP BY 1, 2
ORDER BY facturado_centavos DESC
LIMIT :cuantos
