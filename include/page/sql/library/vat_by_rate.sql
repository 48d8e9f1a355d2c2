-- parameters:
--   - {name: desde, kind: time, default: -30d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: dia, kind: day}
--   - {name: alicuota, kind: percent}
--   - {name: ventas, kind: number}
--   - {name: neto_centavos, kind: money}
--   - {name: iva_centavos, kind: money}
--   - {name: total_centavos, kind: money}
SELECT
  TIME_FLOOR(__time, 'P1D', NULL, 'America/Argentina/Buenos_Aires') AS dia,
  alicuota_iva / 100.0 AS alicuota,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS ventas,
  SUM(
    CASE WHEN estado = 'aprobada' THEN 1 ELSE -1 END * (importe_centavos - iva_centavos)
  ) AS neto_centavos,
  SUM(CASE WHEN estado = 'aprobada' THEN 1 ELSE -1 END * iva_centavos) AS iva_centavos,
  SUM(CASE WHEN estado = 'aprobada' THEN 1 ELSE -1 END * importe_centavos) AS total_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'reembolsada', 'contracargo')
GROUP BY 1, 2
ORDER BY 1, 2
