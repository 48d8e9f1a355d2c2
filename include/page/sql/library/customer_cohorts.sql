-- title: {es: Cohortes de clientes, en: Customer cohorts}
-- description:
--   es: "Clientes según la semana de su primera compra en el lapso: cuántos volvieron, cuánto
--     compraron y gastaron desde entonces, y cuántos compran esta semana."
--   en: "Customers by the week of their first purchase in the period: how many returned, their
--     purchases and spending since, and how many buy this week."
-- parameters:
--   - {name: semanas, kind: number, default: 8, minimum: 2, maximum: 52,
--       label: {es: Semanas, en: Weeks}}
-- columns:
--   - {name: cohorte, kind: day,
--       title: {es: "Primera compra, semana del", en: "First purchase, week of"}}
--   - {name: clientes, kind: number, title: {es: Clientes, en: Customers}}
--   - {name: volvieron, kind: number, title: {es: Volvieron, en: Returned}}
--   - {name: retorno, kind: percent, title: {es: Volvieron (%), en: Returned (%)}}
--   - {name: siguen, kind: number,
--       title: {es: Compraron en los últimos 7 días, en: Bought in the last 7 days}}
--   - {name: compras, kind: decimal, title: {es: Compras por cliente, en: Purchases by customer}}
--   - {name: gasto_centavos, kind: money, title: {es: Gasto por cliente, en: Spent by customer}}
-- chart: {kind: bar, x: cohorte, y: [clientes, volvieron, siguen]}
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
