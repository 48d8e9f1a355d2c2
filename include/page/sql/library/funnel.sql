-- title: {es: Embudo de la venta, en: Funnel of a sale}
-- description:
--   es: Ventas empezadas en el lapso que llegaron a cada paso, y los segundos hasta su decisión,
--     por tipo de pago.
--   en: Sales begun in the period that reached each step, and the seconds until their decision, by
--     payment type.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: tipo_pago, kind: text, title: {es: Tipo de pago, en: Payment type}}
--   - {name: empezadas, kind: number, title: {es: Empezadas, en: Begun}}
--   - {name: aprobadas, kind: number, title: {es: Aprobadas, en: Approved}}
--   - {name: rechazadas, kind: number, title: {es: Rechazadas, en: Rejected}}
--   - {name: sin_decidir, kind: number, title: {es: Sin decidir, en: Undecided}}
--   - {name: devueltas, kind: number, title: {es: Devueltas, en: Given back}}
--   - {name: segundos_p50, kind: decimal, title: {es: "Segundos, mediana", en: "Seconds, median"}}
--   - {name: segundos_p95, kind: decimal,
--       title: {es: "Segundos, percentil 95", en: "Seconds, 95th percentile"}}
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
