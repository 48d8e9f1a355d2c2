-- title_es: Aprobación por emisor
-- title_en: Approval by issuer
-- description_es: De lo decidido, qué parte se aprobó, por tipo de pago y marca de tarjeta o
--   billetera.
-- description_en: Of what was decided, the share approved, by payment type and card brand or
--   wallet.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- parameter: minimo number 10 1..1000000; Decididas como mínimo; Decided at least
-- column: pago text; Pago y emisor; Payment and issuer
-- column: aprobadas number; Aprobadas; Approved
-- column: rechazadas number; Rechazadas; Rejected
-- column: aprobacion percent; Aprobación; Approval
-- column: rechazado_centavos money; Importe rechazado; Amount rejected
-- chart: bar pago: aprobacion
SELECT
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COUNT(*) FILTER (WHERE estado = 'rechazada') AS rechazadas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / COUNT(*), 2) AS aprobacion,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'rechazada'), 0) AS rechazado_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'rechazada')
GROUP BY 1
HAVING COUNT(*) >= :minimo
ORDER BY aprobacion
