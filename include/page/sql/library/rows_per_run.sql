-- parameters:
--   - {name: desde, kind: time, default: -30d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: corrida, kind: text}
--   - {name: eventos, kind: number}
--   - {name: ventas, kind: number}
--   - {name: facturado_centavos, kind: money}
--   - {name: primera, kind: time}
--   - {name: ultima, kind: time}
-- chart: {kind: bar, x: corrida, y: [eventos]}
SELECT
  corrida,
  COUNT(*) AS eventos,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos,
  MIN(__time) AS primera,
  MAX(__time) AS ultima
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1
ORDER BY ultima DESC
