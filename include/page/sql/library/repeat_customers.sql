-- title_es: Clientes que vuelven
-- title_en: Customers who return
-- description_es: Cuántos clientes compraron una vez, dos, tres… y cuánto gastaron. Quien paga en
--   efectivo en el local no se conoce y no se cuenta.
-- description_en: How many customers bought once, twice, three times… and what they spent. Who
--   pays cash in store is not known and not counted.
-- parameter: desde time -30d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: compras number; Compras; Purchases
-- column: clientes number; Clientes; Customers
-- column: facturado_centavos money; Facturado; Revenue
-- column: por_cliente_centavos money; Por cliente; By customer
-- chart: bar compras: clientes
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
