-- title_es: Motivos de rechazo
-- title_en: Reasons of rejection
-- description_es: Por qué se rechazan las ventas de cada tipo de pago, y cuánto dinero es.
-- description_en: Why sales of each payment type are rejected, and how much money that is.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: motivo text; Motivo; Reason
-- column: tipo_pago text; Tipo de pago; Payment type
-- column: rechazadas number; Rechazadas; Rejected
-- column: importe_centavos money; Importe; Amount
-- chart: bar motivo: rechazadas
SELECT motivo, tipo_pago, COUNT(*) AS rechazadas, SUM(importe_centavos) AS importe_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'rechazada'
GROUP BY 1, 2
ORDER BY rechazadas DESC
