-- title: {es: Descuentos por medio de pago, en: Discounts by payment method}
-- description:
--   es: Porcentaje de ventas aprobadas con descuento, el descuento medio, y el ticket con y sin
--     descuento. Que se venda más con descuento no prueba que el descuento sea la causa.
--   en: Share of approved sales with a discount, its mean size, and the ticket with and without
--     it. More sales with a discount do not prove that the discount is the cause.
-- parameters:
--   - {name: desde, kind: time, default: -7d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: pago, kind: text, title: {es: Pago y emisor, en: Payment and issuer}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: con_descuento, kind: percent, title: {es: Con descuento, en: With a discount}}
--   - {name: descuento_medio, kind: percent, title: {es: Descuento medio, en: Mean discount}}
--   - {name: descuento_centavos, kind: money, title: {es: Descontado, en: Discounted}}
--   - {name: ticket_con_centavos, kind: money,
--       title: {es: Ticket con descuento, en: Ticket with one}}
--   - {name: ticket_sin_centavos, kind: money,
--       title: {es: Ticket sin descuento, en: Ticket without}}
-- chart: {kind: bar, x: pago, y: [con_descuento]}
SELECT
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  COUNT(*) AS ventas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE descuento_centavos > 0) / COUNT(*), 2) AS con_descuento,
  ROUND(
    100.0 * SUM(descuento_centavos) / NULLIF(
      SUM(importe_centavos + descuento_centavos) FILTER (WHERE descuento_centavos > 0), 0
    ), 2
  ) AS descuento_medio,
  SUM(descuento_centavos) AS descuento_centavos,
  SUM(importe_centavos) FILTER (WHERE descuento_centavos > 0)
    / NULLIF(COUNT(*) FILTER (WHERE descuento_centavos > 0), 0) AS ticket_con_centavos,
  SUM(importe_centavos) FILTER (WHERE descuento_centavos = 0)
    / NULLIF(COUNT(*) FILTER (WHERE descuento_centavos = 0), 0) AS ticket_sin_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY ventas DESC
