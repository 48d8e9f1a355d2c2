-- title_es: Aprobación por hora
-- title_en: Approval by hour
-- description_es: Qué parte de lo decidido en cada hora local se aprobó; de un tipo de pago o de
--   todos.
-- description_en: Share approved of what was decided in each local hour; of one payment type or
--   all.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- parameter: tipo_pago choice todos|efectivo|debito|credito|transferencia|qr|billetera;
--   Tipo de pago; Payment type
-- column: hora time; Hora; Hour
-- column: decididas number; Decididas; Decided
-- column: aprobacion percent; Aprobación; Approval
-- chart: line hora: aprobacion
SELECT
  TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) AS decididas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / COUNT(*), 2) AS aprobacion
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'rechazada')
  AND (:tipo_pago = 'todos' OR tipo_pago = :tipo_pago)
GROUP BY 1
ORDER BY 1
