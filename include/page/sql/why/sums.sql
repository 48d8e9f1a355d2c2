-- Sums by {columns} and state in two ranges, ahora and antes; cuadrados: of the units of each sale.
SELECT
  {columns}, estado,
  COUNT(*) FILTER (WHERE ahora) AS eventos_ahora,
  COUNT(*) FILTER (WHERE antes) AS eventos_antes,
  SUM(importe_centavos) FILTER (WHERE ahora) AS importe_ahora,
  SUM(importe_centavos) FILTER (WHERE antes) AS importe_antes,
  SUM(descuento_centavos) FILTER (WHERE ahora) AS descuento_ahora,
  SUM(descuento_centavos) FILTER (WHERE antes) AS descuento_antes,
  COUNT(*) FILTER (WHERE ahora AND descuento_centavos > 0) AS con_descuento_ahora,
  COUNT(*) FILTER (WHERE antes AND descuento_centavos > 0) AS con_descuento_antes,
  SUM(cantidad) FILTER (WHERE ahora) AS unidades_ahora,
  SUM(cantidad) FILTER (WHERE antes) AS unidades_antes,
  SUM(cantidad * cantidad) FILTER (WHERE ahora) AS cuadrados_ahora,
  SUM(cantidad * cantidad) FILTER (WHERE antes) AS cuadrados_antes
FROM (
  SELECT
    *,
    __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?) AS ahora,
    __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?) AS antes
  FROM "{datasource}"
  WHERE (
    __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
    OR __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
  ){where}
)
GROUP BY {columns}, estado
