-- title: {es: Descuentos por día de la semana, en: Discounts by weekday}
-- description:
--   es: Porcentaje de ventas con descuento en cada día de la semana. Muchas promociones de los
--     bancos tienen un día fijo.
--   en: Share of sales with a discount on each weekday. Many banks' promotions belong to a
--     weekday.
-- parameters:
--   - {name: desde, kind: time, default: -30d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: dia, kind: text, title: {es: Día, en: Day}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: con_descuento, kind: percent, title: {es: Con descuento, en: With a discount}}
--   - {name: descontado, kind: percent,
--       title: {es: Descontado de la lista, en: Discounted off list price}}
-- chart: {kind: bar, x: dia, y: [con_descuento, descontado]}
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
