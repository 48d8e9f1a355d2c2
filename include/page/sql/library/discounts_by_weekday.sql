-- title_es: Descuentos por día de la semana
-- title_en: Discounts by weekday
-- description_es: Los bancos tienen sus días; qué parte de lo vendido se descuenta en cada uno.
-- description_en: Banks have their days; which share of what is sold is discounted on each.
-- parameter: desde time -30d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: dia text; Día; Day
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: con_descuento percent; Con descuento; With a discount
-- column: descontado percent; Descontado de la lista; Discounted off list price
-- chart: bar dia: con_descuento, descontado
SELECT
  CASE TIME_EXTRACT(__time, 'DOW', 'America/Argentina/Buenos_Aires')
    WHEN 1 THEN '1. lunes'
    WHEN 2 THEN '2. martes'
    WHEN 3 THEN '3. miércoles'
    WHEN 4 THEN '4. jueves'
    WHEN 5 THEN '5. viernes'
    WHEN 6 THEN '6. sábado'
    ELSE '7. domingo'
  END AS dia,
  COUNT(*) AS ventas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE descuento_centavos > 0) / COUNT(*), 2) AS con_descuento,
  ROUND(
    100.0 * SUM(descuento_centavos) / NULLIF(SUM(importe_centavos + descuento_centavos), 0), 2
  ) AS descontado
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY 1
