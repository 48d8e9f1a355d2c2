-- parameters:
--   - {name: desde, kind: time, default: -7d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: importe, kind: text}
--   - {name: ventas, kind: number}
--   - {name: una_cuota, kind: percent}
--   - {name: hasta_tres, kind: percent}
--   - {name: hasta_seis, kind: percent}
--   - {name: mas_de_seis, kind: percent}
--   - {name: cuotas_media, kind: decimal}
-- chart: {kind: bar, x: importe, y: [una_cuota, hasta_tres, hasta_seis, mas_de_seis]}
SELECT
  CASE
    WHEN importe_centavos < 1000000 THEN '1. menos de $ 10.000'
    WHEN importe_centavos < 5000000 THEN '2. $ 10.000 a $ 50.000'
    WHEN importe_centavos < 20000000 THEN '3. $ 50.000 a $ 200.000'
    ELSE '4. $ 200.000 y más'
  END AS importe,
  COUNT(*) AS ventas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas = 1) / COUNT(*), 1) AS una_cuota,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas BETWEEN 2 AND 3) / COUNT(*), 1) AS hasta_tres,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas BETWEEN 4 AND 6) / COUNT(*), 1) AS hasta_seis,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas > 6) / COUNT(*), 1) AS mas_de_seis,
  ROUND(1.0 * SUM(cuotas) / COUNT(*), 2) AS cuotas_media
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'pendiente' AND tipo_pago = 'credito'
GROUP BY 1
ORDER BY 1
