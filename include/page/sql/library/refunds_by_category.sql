-- parameters:
--   - {name: desde, kind: time, default: -30d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: categoria, kind: text}
--   - {name: aprobadas, kind: number}
--   - {name: reembolsos, kind: number}
--   - {name: tasa, kind: percent}
--   - {name: reembolsado_centavos, kind: money}
--   - {name: demora_horas, kind: decimal}
-- chart: {kind: bar, x: categoria, y: [tasa]}
SELECT
  categoria,
  COUNT(*) AS aprobadas,
  COUNT(devuelta) AS reembolsos,
  ROUND(100.0 * COUNT(devuelta) / COUNT(*), 2) AS tasa,
  COALESCE(SUM(importe) FILTER (WHERE devuelta IS NOT NULL), 0) AS reembolsado_centavos,
  ROUND(
    APPROX_QUANTILE_DS((devuelta - aprobada) / 3600000.0, 0.5) FILTER (WHERE devuelta IS NOT NULL),
    2
  ) AS demora_horas
FROM (
  SELECT
    id_venta,
    categoria,
    MAX(importe_centavos) AS importe,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'aprobada') AS aprobada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'reembolsada') AS devuelta
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND estado IN ('aprobada', 'reembolsada')
  GROUP BY 1, 2
)
WHERE aprobada < :hasta
GROUP BY 1
ORDER BY tasa DESC
