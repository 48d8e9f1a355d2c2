-- title_es: Descuentos por medio de pago
-- title_en: Discounts by means of payment
-- description_es: Qué parte de las ventas aprobadas lleva descuento, de cuánto es, y el ticket
--   con y sin él. Que con descuento se venda más no dice que el descuento lo cause.
-- description_en: Share of approved sales with a discount, how large it is, and the ticket with
--   and without it. That more is sold with a discount does not say that the discount is why.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: pago text; Pago y emisor; Payment and issuer
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: con_descuento percent; Con descuento; With a discount
-- column: descuento_medio percent; Descuento medio; Mean discount
-- column: descuento_centavos money; Descontado; Discounted
-- column: ticket_con_centavos money; Ticket con descuento; Ticket with one
-- column: ticket_sin_centavos money; Ticket sin descuento; Ticket without
-- chart: bar pago: con_descuento
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
