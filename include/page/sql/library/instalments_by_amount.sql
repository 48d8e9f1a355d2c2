-- title_es: Cuotas por importe
-- title_en: Instalments by amount
-- description_es: En cuántas cuotas se paga con crédito según cuánto se compra, en ventas
--   empezadas.
-- description_en: In how many instalments credit is paid by size of the purchase, in sales begun.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: importe text; Importe; Amount
-- column: ventas number; Ventas; Sales
-- column: una_cuota percent; 1 cuota; 1 instalment
-- column: hasta_tres percent; 2 y 3; 2 and 3
-- column: hasta_seis percent; 4 a 6; 4 to 6
-- column: mas_de_seis percent; Más de 6; More than 6
-- column: cuotas_media decimal; Cuotas en promedio; Mean instalments
-- chart: bar importe: una_cuota, hasta_tres, hasta_seis, mas_de_seis
SELECT
  CASE
    WHEN importe_centavos < 1000000 THEN '1. menos de $ 10.000'
    WHEN importe_centavos < 5000000 THEN '2. $ 10.000 a $ 50.000'
    WHEN importe_centavos < 20000000 THEN '3. $ 50.000 a $ 200.000'
    ELSE '4. $ 200.000 y más'
  END AS importe,
  COUNT(*) AS ventas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas = 1) / COUNT(*), 1) AS una_cuota,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas BETWEEN 2 AND 3) / COUNT(*), 1) AS hasta_tres,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas BETWEEN 4 AND 6) / COUNT(*), 1) AS hasta_seis,
  ROUND(100.0 * COUNT(*) FILTER (WHERE cuotas > 6) / COUNT(*), 1) AS mas_de_seis,
  ROUND(1.0 * SUM(cuotas) / COUNT(*), 2) AS cuotas_media
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'pendiente' AND tipo_pago = 'credito'
GROUP BY 1
ORDER BY 1
