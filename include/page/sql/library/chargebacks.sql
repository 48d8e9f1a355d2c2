-- title: {es: Contracargos por tarjeta o billetera, en: Chargebacks by card or wallet}
-- description:
--   es: Ventas aprobadas que el cliente desconoció ante su banco, por marca de tarjeta o
--     billetera, y cuántos días después. Los contracargos tardan semanas en llegar.
--   en: Approved sales that the customer disputed with the bank, by card brand or wallet, and how
--     many days later. Chargebacks take weeks to come.
-- parameters:
--   - {name: desde, kind: time, default: -90d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: pago, kind: text, title: {es: Pago y emisor, en: Payment and issuer}}
--   - {name: aprobadas, kind: number, title: {es: Aprobadas, en: Approved}}
--   - {name: contracargos, kind: number, title: {es: Contracargos, en: Chargebacks}}
--   - {name: por_diez_mil, kind: decimal,
--       title: {es: Cada 10.000 ventas, en: "Every 10,000 sales"}}
--   - {name: importe_centavos, kind: money, title: {es: Importe, en: Amount}}
--   - {name: demora_dias, kind: decimal, title: {es: Demora media (días), en: Mean delay (days)}}
-- chart: {kind: bar, x: pago, y: [por_diez_mil]}
SELECT
  pago,
  COUNT(*) AS aprobadas,
  COUNT(desconocida) AS contracargos,
  ROUND(10000.0 * COUNT(desconocida) / COUNT(*), 2) AS por_diez_mil,
  COALESCE(SUM(importe) FILTER (WHERE desconocida IS NOT NULL), 0) AS importe_centavos,
  ROUND(AVG((desconocida - aprobada) / 86400000.0), 2) AS demora_dias
FROM (
  SELECT
    id_venta,
    TRIM(tipo_pago || ' ' || emisor) AS pago,
    MAX(importe_centavos) AS importe,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'aprobada') AS aprobada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'contracargo') AS desconocida
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND estado IN ('aprobada', 'contracargo')
  GROUP BY 1, 2
)
WHERE aprobada < :hasta
GROUP BY 1
ORDER BY por_diez_mil DESC
