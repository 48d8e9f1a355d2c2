-- parameters:
--   - {name: horas, kind: number, default: 24, minimum: 1, maximum: 1000}
--   - {name: orden, kind: choice, default: suben, choices: [suben, bajan]}
--   - {name: minimo, kind: number, default: 5, minimum: 1, maximum: 100000}
--   - {name: cuantos, kind: number, default: 20, minimum: 1, maximum: 500}
-- columns:
--   - {name: producto, kind: text}
--   - {name: ventas, kind: number}
--   - {name: antes, kind: number}
--   - {name: parte, kind: percent}
--   - {name: parte_antes, kind: percent}
--   - {name: cambio, kind: decimal}
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
