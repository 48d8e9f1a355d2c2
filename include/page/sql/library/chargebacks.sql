-- title_es: Contracargos por emisor
-- title_en: Chargebacks by issuer
-- description_es: Ventas aprobadas que el cliente desconoció ante su banco, por marca de tarjeta
--   o billetera, y cuántos días después. Los contracargos tardan semanas en llegar.
-- description_en: Approved sales that the customer disputed with the bank, by card brand or
--   wallet, and how many days later. Chargebacks take weeks to come.
-- parameter: desde time -90d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: pago text; Pago y emisor; Payment and issuer
-- column: aprobadas number; Aprobadas; Approved
-- column: contracargos number; Contracargos; Chargebacks
-- column: por_diez_mil decimal; Cada 10.000 ventas; Every 10,000 sales
-- column: importe_centavos money; Importe; Amount
-- column: demora_dias decimal; Demora media (días); Mean delay (days)
-- chart: bar pago: por_diez_mil
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
