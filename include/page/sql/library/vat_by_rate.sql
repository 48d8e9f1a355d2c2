-- title: {es: IVA por alícuota, en: VAT by rate}
-- description:
--   es: IVA de las ventas aprobadas en cada día local, menos el IVA de los reembolsos y
--     contracargos de ese día.
--   en: VAT of the sales approved on each local day, minus the VAT of that day's refunds and
--     chargebacks.
-- parameters:
--   - {name: desde, kind: time, default: -30d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: dia, kind: day, title: {es: Día, en: Day}}
--   - {name: alicuota, kind: percent, title: {es: Alícuota, en: Rate}}
--   - {name: ventas, kind: number, title: {es: Ventas aprobadas, en: Approved sales}}
--   - {name: neto_centavos, kind: money, title: {es: Neto, en: Net}}
--   - {name: iva_centavos, kind: money, title: {es: IVA, en: VAT}}
--   - {name: total_centavos, kind: money, title: {es: Total, en: Total}}
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
