-- title: {es: Semana contra semana, en: Week over week}
-- description:
--   es: Cada uno de los últimos siete días contra el mismo día de la semana anterior, hora contra
--     hora; el día de hoy se compara hasta la hora que es.
--   en: Each of the last seven days against the same day a week before; today is compared up to
--     the present time of day.
-- columns:
--   - {name: dia, kind: day, title: {es: Día, en: Day}}
--   - {name: ventas, kind: number, title: {es: Ventas, en: Sales}}
--   - {name: antes, kind: number, title: {es: Una semana antes, en: A week before}}
--   - {name: facturado_centavos, kind: money, title: {es: Facturado, en: Revenue}}
--   - {name: facturado_antes_centavos, kind: money,
--       title: {es: Facturado antes, en: Revenue before}}
--   - {name: cambio, kind: percent, title: {es: Cambio de la facturación, en: Change of revenue}}
-- chart: {kind: bar, x: dia, y: [facturado_antes_centavos, facturado_centavos]}
SELECT
  dia,
  ventas,
  antes,
  facturado_centavos,
  facturado_antes_centavos,
  ROUND(100.0 * facturado_centavos / NULLIF(facturado_antes_centavos, 0) - 100, 2) AS cambio
FROM (
  SELECT
    TIME_FLOOR(
      CASE
        WHEN __time < TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP) THEN TIMESTAMPADD(DAY, 7, __time)
        ELSE __time
      END,
      'P1D', NULL, 'America/Argentina/Buenos_Aires'
    ) AS dia,
    COUNT(*) FILTER (
      WHERE estado = 'pendiente' AND __time >= TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP)
    ) AS ventas,
    COUNT(*) FILTER (
      WHERE estado = 'pendiente' AND __time < TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP)
    ) AS antes,
    COALESCE(SUM(importe_centavos) FILTER (
      WHERE estado = 'aprobada' AND __time >= TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP)
    ), 0) AS facturado_centavos,
    COALESCE(SUM(importe_centavos) FILTER (
      WHERE estado = 'aprobada' AND __time < TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP)
    ), 0) AS facturado_antes_centavos
  FROM "{datasource}"
  WHERE __time >= TIMESTAMPADD(DAY, -14, CURRENT_TIMESTAMP) AND __time < CURRENT_TIMESTAMP
  GROUP BY 1
)
ORDER BY dia
