-- title_es: IVA por alícuota
-- title_en: VAT by rate
-- description_es: IVA de lo aprobado en cada día local, menos el de lo reembolsado o desconocido
--   ese día.
-- description_en: VAT of what was approved on each local day, less that of what was refunded or
--   charged back that day.
-- parameter: desde time -30d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: dia day; Día; Day
-- column: alicuota percent; Alícuota; Rate
-- column: ventas number; Ventas aprobadas; Approved sales
-- column: neto_centavos money; Neto; Net
-- column: iva_centavos money; IVA; VAT
-- column: total_centavos money; Total; Total
SELECT
  TIME_FLOOR(__time, 'P1D', NULL, 'America/Argentina/Buenos_Aires') AS dia,
  alicuota_iva / 100.0 AS alicuota,
  COUNT(*) FILTER (WHERE estado = 'aprobada') AS ventas,
  SUM(
    CASE WHEN estado = 'aprobada' THEN 1 ELSE -1 END * (importe_centavos - iva_centavos)
  ) AS neto_centavos,
  SUM(CASE WHEN estado = 'aprobada' THEN 1 ELSE -1 END * iva_centavos) AS iva_centavos,
  SUM(CASE WHEN estado = 'aprobada' THEN 1 ELSE -1 END * importe_centavos) AS total_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'reembolsada', 'contracargo')
GROUP BY 1, 2
ORDER BY 1, 2
