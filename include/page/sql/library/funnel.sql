-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: tipo_pago, kind: text}
--   - {name: empezadas, kind: number}
--   - {name: aprobadas, kind: number}
--   - {name: rechazadas, kind: number}
--   - {name: sin_decidir, kind: number}
--   - {name: devueltas, kind: number}
--   - {name: segundos_p50, kind: decimal}
--   - {name: segundos_p95, kind: decimal}
-- chart: {kind: bar, x: tipo_pago, y: [empezadas, aprobadas, rechazadas, devueltas]}
SELECT
  tipo_pago,
  COUNT(*) AS empezadas,
  COUNT(aprobada) AS aprobadas,
  COUNT(rechazada) AS rechazadas,
  COUNT(*) FILTER (WHERE aprobada IS NULL AND rechazada IS NULL) AS sin_decidir,
  COUNT(devuelta) AS devueltas,
  ROUND(APPROX_QUANTILE_DS((COALESCE(aprobada, rechazada) - empezada) / 1000.0, 0.5)
    FILTER (WHERE COALESCE(aprobada, rechazada) IS NOT NULL), 2) AS segundos_p50,
  ROUND(APPROX_QUANTILE_DS((COALESCE(aprobada, rechazada) - empezada) / 1000.0, 0.95)
    FILTER (WHERE COALESCE(aprobada, rechazada) IS NOT NULL), 2) AS segundos_p95
FROM (
  SELECT
    id_venta,
    tipo_pago,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'pendiente') AS empezada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'aprobada') AS aprobada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'rechazada') AS rechazada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (
      WHERE estado IN ('reembolsada', 'contracargo')
    ) AS devuelta
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde)
  GROUP BY 1, 2
)
WHERE empezada < :hasta
GROUP BY 1
ORDER BY empezadas DESC
