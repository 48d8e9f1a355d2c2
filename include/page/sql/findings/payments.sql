-- Sales, decisions, revenue and discounts of each way to pay, by hour before a moment (hora: 0 is the
-- last one), over a day and in the three hours before the same moment of earlier days. rellenas: sales
-- that the back-fill made, which sells on the demand curve whatever the pace of the windows is.
SELECT
  hora, tipo_pago, emisor,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND descuento_centavos > 0) AS con_descuento,
  COUNT(*) FILTER (WHERE estado = 'pendiente' AND corrida LIKE 'relleno%') AS rellenas,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS aprobadas,
  COUNT(*) FILTER (WHERE estado = 'rechazada') AS rechazadas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS ingresos,
  COALESCE(SUM(descuento_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS descuentos{by}
FROM (
  SELECT
    (? - 1 - TIMESTAMP_TO_MILLIS(__time)) / 3600000 AS hora,
    tipo_pago, emisor, estado, corrida, importe_centavos, descuento_centavos{filtered}
  FROM "{datasource}"
  WHERE ({windows}){where}
)
GROUP BY hora, tipo_pago, emisor{by}
