-- title: {es: Embudo de la venta, en: Funnel of a sale}
-- description:
--   es: Cuántas de las ventas empezadas en el lapso llegaron a cada paso, y en cuántos segundos
--     se decidieron, por tipo de pago.
--   en: How many of the sales begun in the period came to each step, and in how many seconds they
--     were decided, by payment type.
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
