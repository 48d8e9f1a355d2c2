-- title: {es: Reembolsos por categoría, en: Refunds by category}
-- description:
--   es: Porcentaje de las ventas aprobadas que se reembolsó, y el tiempo desde la aprobación hasta
--     el reembolso. Cuenta las ventas aprobadas en el lapso; las últimas todavía pueden
--     reembolsarse.
--   en: Share of the approved sales that were refunded, and the time from approval to refund. It
--     covers sales approved in the period; the latest ones may still be refunded.
-- parameters:
--   - {name: desde, kind: time, default: -30d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: categoria, kind: text, title: {es: Categoría, en: Category}}
--   - {name: aprobadas, kind: number, title: {es: Aprobadas, en: Approved}}
--   - {name: reembolsos, kind: number, title: {es: Reembolsos, en: Refunds}}
--   - {name: tasa, kind: percent, title: {es: Tasa de reembolso, en: Refund rate}}
--   - {name: reembolsado_centavos, kind: money, title: {es: Reembolsado, en: Refunded}}
--   - {name: demora_horas, kind: decimal,
--       title: {es: Demora mediana (horas), en: Median delay (hours)}}
-- chart: {kind: bar, x: categoria, y: [tasa]}
SELECT
  categoria,
  COUNT(*) AS aprobadas,
  COUNT(devuelta) AS reembolsos,
  ROUND(100.0 * COUNT(devuelta) / COUNT(*), 2) AS tasa,
  COALESCE(SUM(importe) FILTER (WHERE devuelta IS NOT NULL), 0) AS reembolsado_centavos,
  ROUND(
    APPROX_QUANTILE_DS((devuelta - aprobada) / 3600000.0, 0.5) FILTER (WHERE devuelta IS NOT NULL),
    2
  ) AS demora_horas
FROM (
  SELECT
    id_venta,
    categoria,
    MAX(importe_centavos) AS importe,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'aprobada') AS aprobada,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE estado = 'reembolsada') AS devuelta
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND estado IN ('aprobada', 'reembolsada')
  GROUP BY 1, 2
)
WHERE aprobada < :hasta
GROUP BY 1
ORDER BY tasa DESC
