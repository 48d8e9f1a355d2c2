-- title: {es: Productos que suben o bajan, en: Rising and falling products}
-- description:
--   es: Participación de cada producto en las ventas empezadas de las últimas horas, comparada con
--     la de otras tantas horas justo antes, en puntos porcentuales. Con pocas ventas, el cambio
--     puede ser azar.
--   en: Share of each product in the sales begun in the last hours, compared with as many hours
--     just before, in percentage points. With few sales the change may be chance.
-- parameters:
--   - {name: horas, kind: number, default: 24, minimum: 1, maximum: 1000,
--       label: {es: Horas, en: Hours}}
--   - {name: orden, kind: choice, default: suben, choices: [suben, bajan],
--       label: {es: Primero los que, en: First those that}}
--   - {name: minimo, kind: number, default: 5, minimum: 1, maximum: 100000,
--       label: {es: Ventas como mínimo, en: Sales at least}}
--   - {name: cuantos, kind: number, default: 20, minimum: 1, maximum: 500,
--       label: {es: Cuántos, en: How many}}
-- columns:
--   - {name: producto, kind: text, title: {es: Producto, en: Product}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: antes, kind: number, title: {es: Ventas antes, en: Sales before}}
--   - {name: parte, kind: percent, title: {es: Participación, en: Share}}
--   - {name: parte_antes, kind: percent, title: {es: Participación antes, en: Share before}}
--   - {name: cambio, kind: decimal, title: {es: Cambio en puntos, en: Change in points}}
-- chart: {kind: bar, x: producto, y: [cambio]}
SELECT
  producto,
  COUNT(*) FILTER (WHERE __time >= TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP)) AS ventas,
  COUNT(*) FILTER (WHERE __time < TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP)) AS antes,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE __time >= TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP))
      / NULLIF(MAX(todas), 0), 3
  ) AS parte,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE __time < TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP))
      / NULLIF(MAX(todas_antes), 0), 3
  ) AS parte_antes,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE __time >= TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP))
      / NULLIF(MAX(todas), 0)
    - 100.0 * COUNT(*) FILTER (WHERE __time < TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP))
      / NULLIF(MAX(todas_antes), 0), 3
  ) AS cambio
FROM "{datasource}"
CROSS JOIN (
  SELECT
    COUNT(*) FILTER (WHERE __time >= TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP)) AS todas,
    COUNT(*) FILTER (WHERE __time < TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP)) AS todas_antes
  FROM "{datasource}"
  WHERE estado = 'pendiente'
    AND __time >= TIMESTAMPADD(HOUR, -2 * :horas, CURRENT_TIMESTAMP)
    AND __time < CURRENT_TIMESTAMP
)
WHERE estado = 'pendiente'
  AND __time >= TIMESTAMPADD(HOUR, -2 * :horas, CURRENT_TIMESTAMP)
  AND __time < CURRENT_TIMESTAMP
GROUP BY 1
HAVING COUNT(*) >= :minimo
ORDER BY CASE WHEN :orden = 'bajan' THEN cambio ELSE -cambio END
LIMIT :cuantos
