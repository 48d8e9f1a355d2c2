-- title: {es: "Sucursales, de mayor a menor", en: "Stores, the largest first"}
-- description:
--   es: Facturación, ticket medio, aprobación y parte vendida en línea de cada sucursal; de una
--     provincia o de todas si queda vacía.
--   en: Revenue, average ticket, approval and share sold online of each store; of one province,
--     or of all if left blank.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
--   - {name: provincia, kind: text, label: {es: Provincia, en: Province}}
-- columns:
--   - {name: sucursal, kind: text, title: {es: Sucursal, en: Store}}
--   - {name: provincia, kind: text, title: {es: Provincia, en: Province}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
--   - {name: ticket_centavos, kind: money, title: {es: Ticket medio, en: Average ticket}}
--   - {name: aprobacion, kind: percent, title: {es: Aprobación, en: Approval}}
--   - {name: en_linea, kind: percent, title: {es: En línea, en: Online}}
-- chart: {kind: bar, x: sucursal, y: [facturado_centavos]}
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
