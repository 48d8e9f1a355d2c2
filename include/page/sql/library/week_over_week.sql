-- columns:
--   - {name: dia, kind: day}
--   - {name: ventas, kind: number}
--   - {name: antes, kind: number}
--   - {name: facturado_centavos, kind: money}
--   - {name: facturado_antes_centavos, kind: money}
--   - {name: cambio, kind: percent}
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
