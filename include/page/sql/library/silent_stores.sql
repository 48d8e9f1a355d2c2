-- parameters:
--   - {name: horas, kind: number, default: 24, minimum: 1, maximum: 1000}
-- columns:
--   - {name: sucursal, kind: text}
--   - {name: provincia, kind: text}
--   - {name: ventas, kind: number}
--   - {name: por_hora, kind: decimal}
--   - {name: ultima, kind: time}
--   - {name: minutos_callada, kind: number}
-- chart: {kind: bar, x: sucursal, y: [minutos_callada]}
SELECT
  sucursal,
  provincia,
  COUNT(*) AS ventas,
  ROUND(1.0 * COUNT(*) / :horas, 2) AS por_hora,
  MAX(__time) AS ultima,
  TIMESTAMPDIFF(MINUTE, MAX(__time), CURRENT_TIMESTAMP) AS minutos_callada
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(HOUR, -:horas, CURRENT_TIMESTAMP) AND __time < CURRENT_TIMESTAMP
  AND estado = 'pendiente'
GROUP BY 1, 2
ORDER BY ultima
