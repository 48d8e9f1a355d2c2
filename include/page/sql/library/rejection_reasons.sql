-- title: {es: Motivos de rechazo, en: Reasons for rejection}
-- description:
--   es: Motivos de las ventas rechazadas por tipo de pago, y el dinero que suman.
--   en: Reasons of rejected sales by payment type, and the money that they amount to.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: motivo, kind: text, title: {es: Motivo, en: Reason}}
--   - {name: tipo_pago, kind: text, title: {es: Tipo de pago, en: Payment type}}
--   - {name: rechazadas, kind: number, title: {es: Rechazadas, en: Rejected}}
--   - {name: importe_centavos, kind: money, title: {es: Importe, en: Amount}}
-- chart: {kind: bar, x: motivo, y: [rechazadas]}
SELECT motivo, tipo_pago, COUNT(*) AS rechazadas, SUM(importe_centavos) AS importe_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'rechazada'
GROUP BY 1, 2
ORDER BY rechazadas DESC
