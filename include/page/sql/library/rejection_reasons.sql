-- title: {es: Motivos de rechazo, en: Reasons of rejection}
-- description:
--   es: Por qué se rechazan las ventas de cada tipo de pago, y cuánto dinero es.
--   en: Why sales of each payment type are rejected, and how much money that is.
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
