-- parameters:
--   - {name: desde, kind: time, default: -90d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: pago, kind: text}
--   - {name: aprobadas, kind: number}
--   - {name: contracargos, kind: number}
--   - {name: por_diez_mil, kind: decimal}
--   - {name: importe_centavos, kind: money}
--   - {name: demora_dias, kind: decimal}
-- chart: {kind: bar, x: pago, y: [por_diez_mil]}
SELECT
  pago,
  COUNT(*) AS aprobadas,
  COUNT(desconocida) AS contracargos,
  ROUND(10000.0 * COUNT(desconocida) / COUNT(*), 2) AS por_diez_mil,
  COALESCE(SUM(importe) FILTER (WHERE desconocida IS NOT NULL), 0) AS importe_centavos,
  ROUND(AVG((desconocida - aprobada) / 86400000.0), 2) AS demora_dias
FROM (
  SELECT
    id_venta,
    TRIM(tipo_pago || ' ' || emisor) AS pago,
    MAX(importe_centavos) AS importe,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'aprobada') AS aprobada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'contracargo') AS desconocida
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND estado IN ('aprobada', 'contracargo')
  GROUP BY 1, 2
)
WHERE aprobada < :hasta
GROUP BY 1
ORDER BY por_diez_mil DESC
