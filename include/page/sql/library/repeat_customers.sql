-- title: {es: Clientes que vuelven, en: Returning customers}
-- description:
--   es: Número de clientes que compraron una vez, dos, tres…, y cuánto gastaron. Quien paga en
--     efectivo en la sucursal no se identifica y no se cuenta.
--   en: Number of customers who bought once, twice, three times…, and their spending. Customers
--     who pay cash in store are unknown and not counted.
-- parameters:
--   - {name: desde, kind: time, default: -30d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: compras, kind: number, title: {es: Compras, en: Purchases}}
--   - {name: clientes, kind: number, title: {es: Clientes, en: Customers}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
--   - {name: por_cliente_centavos, kind: money, title: {es: Por cliente, en: By customer}}
-- chart: {kind: bar, x: compras, y: [clientes]}
SELECT
  compras,
  COUNT(*) AS clientes,
  SUM(gastado) AS facturado_centavos,
  SUM(gastado) / COUNT(*) AS por_cliente_centavos
FROM (
  SELECT cliente, COUNT(*) AS compras, SUM(importe_centavos) AS gastado
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
    AND estado = 'aprobada' AND cliente <> ''
  GROUP BY 1
)
GROUP BY 1
ORDER BY 1
