-- parameters:
--   - {name: desde, kind: time, default: -30d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: dia, kind: text}
--   - {name: ventas, kind: number}
--   - {name: con_descuento, kind: percent}
--   - {name: descontado, kind: percent}
-- chart: {kind: bar, x: dia, y: [con_descuento, descontado]}
SELECT
  CASE TIME_EXTRACT(__time, 'DOW', 'America/Argentina/Buenos_Aires')
    WHEN 1 THEN '1. lunes'
    WHEN 2 THEN '2. martes'
    WHEN 3 THEN '3. miércoles'
    WHEN 4 THEN '4. jueves'
    WHEN 5 THEN '5. viernes'
    WHEN 6 THEN '6. sábado'
    ELSE '7. domingo'
  END AS dia,
  COUNT(*) AS ventas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE descuento_centavos > 0) / COUNT(*), 2) AS con_descuento,
  ROUND(
    100.0 * SUM(descuento_centavos) / NULLIF(SUM(importe_centavos + descuento_centavos), 0), 2
  ) AS descontado
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY 1
