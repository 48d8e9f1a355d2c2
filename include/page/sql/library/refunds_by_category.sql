-- title_es: Reembolsos por categoría
-- title_en: Refunds by category
-- description_es: Qué parte de lo aprobado se devolvió, y cuánto después de la aprobación. Se
--   miran las ventas cuya aprobación cae en el lapso; las últimas todavía pueden devolverse.
-- description_en: Which share of what was approved was given back, and how long after approval.
--   Looks at sales approved in the period; the latest may still be given back.
-- parameter: desde time -30d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: categoria text; Categoría; Category
-- column: aprobadas number; Aprobadas; Approved
-- column: reembolsos number; Reembolsos; Refunds
-- column: tasa percent; Tasa de reembolso; Refund rate
-- column: reembolsado_centavos money; Reembolsado; Refunded
-- column: demora_horas decimal; Demora mediana (horas); Median delay (hours)
-- chart: bar categoria: tasa
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
