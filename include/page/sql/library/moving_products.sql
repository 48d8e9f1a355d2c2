-- title_es: Productos que suben o bajan
-- title_en: Rising and falling products
-- description_es: Participación de cada producto en las ventas empezadas de las últimas horas
--   contra la de las mismas horas inmediatamente anteriores, en puntos porcentuales. Con pocas
--   ventas, el azar mueve mucho.
-- description_en: Share of each product in the sales begun in the last hours against that of as
--   many hours just before, in percentage points. With few sales, chance moves it a lot.
-- parameter: horas number 24 1..1000; Horas; Hours
-- parameter: orden choice suben|bajan; Primero los que; First those that
-- parameter: minimo number 5 1..100000; Ventas como mínimo; Sales at least
-- parameter: cuantos number 20 1..500; Cuántos; How many
-- column: producto text; Producto; Product
-- column: ventas number; Ventas; Sales
-- column: antes number; Ventas antes; Sales before
-- column: parte percent; Participación; Share
-- column: parte_antes percent; Participación antes; Share before
-- column: cambio decimal; Cambio en puntos; Change in points
-- chart: bar producto: cambio
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
