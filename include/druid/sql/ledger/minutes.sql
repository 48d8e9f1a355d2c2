-- What Druid holds of each run, minute of event time and state: whole numbers, so exact. A row that
-- lacks its run or state counts under '', and a number that is lost as 0: no sum passes over it.
SELECT
  COALESCE(corrida, '') AS corrida,
  TIME_FORMAT(TIME_FLOOR(__time, 'PT1M'), 'yyyy-MM-dd''T''HH:mm:ss''Z''') AS minuto,
  COALESCE(estado, '') AS estado,
  COUNT(*) AS eventos,
  COALESCE(SUM(cantidad), 0) AS unidades,
  COALESCE(SUM(importe_centavos), 0) AS importe_centavos,
  COALESCE(SUM(iva_centavos), 0) AS iva_centavos,
  COALESCE(SUM(descuento_centavos), 0) AS descuento_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
GROUP BY 1, 2, 3
