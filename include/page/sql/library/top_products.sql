-- title: {es: Productos que más facturan, en: Best-selling products}
-- description:
--   es: Productos por facturación aprobada, con sus unidades; de una categoría, o de todas si
--     queda vacía.
--   en: Products by approved revenue, with their units; of one category, or of all if left blank.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
--   - {name: categoria, kind: text, label: {es: Categoría, en: Category}}
--   - {name: cuantos, kind: number, default: 20, minimum: 1, maximum: 500,
--       label: {es: Cuántos, en: How many}}
-- columns:
--   - {name: producto, kind: text, title: {es: Producto, en: Product}}
--   - {name: categoria, kind: text, title: {es: Categoría, en: Category}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: unidades, kind: number, title: {es: Unidades, en: Units}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
-- chart: {kind: bar, x: producto, y: [facturado_centavos]}
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
