-- title_es: Embudo de la venta
-- title_en: Funnel of a sale
-- description_es: Cuántas de las ventas empezadas en el lapso llegaron a cada paso, y en cuántos
--   segundos se decidieron, por tipo de pago.
-- description_en: How many of the sales begun in the period came to each step, and in how many
--   seconds they were decided, by payment type.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: tipo_pago text; Tipo de pago; Payment type
-- column: empezadas number; Empezadas; Begun
-- column: aprobadas number; Aprobadas; Approved
-- column: rechazadas number; Rechazadas; Rejected
-- column: sin_decidir number; Sin decidir; Undecided
-- column: devueltas number; Devueltas; Given back
-- column: segundos_p50 decimal; Segundos, mediana; Seconds, median
-- column: segundos_p95 decimal; Segundos, percentil 95; Seconds, 95th percentile
-- chart: bar tipo_pago: empezadas, aprobadas, rechazadas, devueltas
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
