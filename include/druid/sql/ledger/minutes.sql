-- What Druid holds of each run, minute of event time and state: whole numbers, so exact.
SELECT
  corrida,
  TIME_FORMAT(TIME_FLOOR(__time, 'PT1M'), 'yyyy-MM-dd''T''HH:mm:ss''Z''') AS minuto,
  estado,
  COUNT(*) AS eventos,
  SUM(cantidad) AS unidades,
  SUM(importe_centavos) AS importe_centavos,
  SUM(iva_centavos) AS iva_centavos,
  SUM(descuento_centavos) AS descuento_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
GROUP BY 1, 2, 3
