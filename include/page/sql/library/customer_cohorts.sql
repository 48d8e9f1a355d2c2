-- title_es: Cohortes de clientes
-- title_en: Customer cohorts
-- description_es: De los clientes cuya primera compra de las que se miran cae en cada semana, cuántos
--   volvieron, cuánto compraron y gastaron desde entonces, y cuántos siguen comprando esta semana.
-- description_en: Of the customers whose first purchase of those looked at falls in each week, how
--   many returned, what they bought and spent since, and how many still buy this week.
-- parameter: semanas number 8 2..52; Semanas; Weeks
-- column: cohorte day; Primera compra, semana del; First purchase, week of
-- column: clientes number; Clientes; Customers
-- column: volvieron number; Volvieron; Returned
-- column: retorno percent; Volvieron (%); Returned (%)
-- column: siguen number; Compraron en los últimos 7 días; Bought in the last 7 days
-- column: compras decimal; Compras por cliente; Purchases by customer
-- column: gasto_centavos money; Gasto por cliente; Spent by customer
-- chart: bar cohorte: clientes, volvieron, siguen
SELECT
  TIME_FLOOR(primera, 'P1W', NULL, 'America/Argentina/Buenos_Aires') AS cohorte,
  COUNT(*) AS clientes,
  COUNT(*) FILTER (WHERE veces > 1) AS volvieron,
  ROUND(100.0 * COUNT(*) FILTER (WHERE veces > 1) / COUNT(*), 2) AS retorno,
  COUNT(*) FILTER (WHERE ultima >= TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP)) AS siguen,
  ROUND(1.0 * SUM(veces) / COUNT(*), 2) AS compras,
  SUM(gastado) / COUNT(*) AS gasto_centavos
FROM (
  SELECT
    cliente,
    COUNT(*) AS veces,
    SUM(importe_centavos) AS gastado,
    MIN(__time) AS primera,
    MAX(__time) AS ultima
  FROM "{datasource}"
  WHERE __time >= TIMESTAMPADD(DAY, -7 * :semanas, CURRENT_TIMESTAMP)
    AND estado = 'aprobada' AND cliente <> ''
  GROUP BY 1
)
GROUP BY 1
ORDER BY 1
