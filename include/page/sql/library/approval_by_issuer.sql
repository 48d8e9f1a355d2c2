-- title: {es: Aprobación por tarjeta o billetera, en: Approval by card or wallet}
-- description:
--   es: Porcentaje aprobado de las ventas decididas, por tipo de pago y por tarjeta o billetera.
--   en: Approved share of the decided sales, by payment type and card brand or wallet.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
--   - {name: minimo, kind: number, default: 10, minimum: 1, maximum: 1000000,
--       label: {es: Decididas como mínimo, en: Decided at least}}
-- columns:
--   - {name: pago, kind: text, title: {es: Pago y emisor, en: Payment and issuer}}
--   - {name: aprobadas, kind: number, title: {es: Aprobadas, en: Approved}}
--   - {name: rechazadas, kind: number, title: {es: Rechazadas, en: Rejected}}
--   - {name: aprobacion, kind: percent, title: {es: Aprobación, en: Approval}}
--   - {name: rechazado_centavos, kind: money, title: {es: Importe rechazado, en: Amount rejected}}
-- chart: {kind: bar, x: pago, y: [aprobacion]}
SELECT
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COUNT(*) FILTER (WHERE estado = 'rechazada') AS rechazadas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / COUNT(*), 2) AS aprobacion,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'rechazada'), 0) AS rechazado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'rechazada')
GROUP BY 1
HAVING COUNT(*) >= :minimo
ORDER BY aprobacion
