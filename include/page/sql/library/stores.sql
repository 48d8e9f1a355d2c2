-- title_es: Sucursales, de mayor a menor
-- title_en: Stores, the largest first
-- description_es: Facturación, ticket medio, aprobación y parte vendida en línea de cada
--   sucursal; de una provincia o de todas si queda vacía.
-- description_en: Revenue, average ticket, approval and share sold online of each store; of one
--   province, or of all if left blank.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- parameter: provincia text; Provincia; Province
-- column: sucursal text; Sucursal; Store
-- column: provincia text; Provincia; Province
-- column: ventas number; Ventas; Sales
-- column: facturado_centavos money; Facturado; Revenue
-- column: ticket_centavos money; Ticket medio; Average ticket
-- column: aprobacion percent; Aprobación; Approval
-- column: en_linea percent; En línea; Online
-- chart: bar sucursal: facturado_centavos
SELECT
  sucursal,
  provincia,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos,
  SUM(importe_centavos) FILTER (WHERE estado = 'aprobada')
    / NULLIF(COUNT(*) FILTER (WHERE estado = 'aprobada'), 0) AS ticket_centavos,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada')
      / NULLIF(COUNT(*) FILTER (WHERE estado IN ('aprobada', 'rechazada')), 0), 2
  ) AS aprobacion,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE estado = 'pendiente' AND plataforma <> 'local')
      / NULLIF(COUNT(*) FILTER (WHERE estado = 'pendiente'), 0), 2
  ) AS en_linea
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND (:provincia = '' OR provincia = :provincia)
GROUP BY 1, 2
ORDER BY facturado_centavos DESC
