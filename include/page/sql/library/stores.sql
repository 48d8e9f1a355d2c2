-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
--   - {name: provincia, kind: text}
-- columns:
--   - {name: sucursal, kind: text}
--   - {name: provincia, kind: text}
--   - {name: ventas, kind: number}
--   - {name: facturado_centavos, kind: money}
--   - {name: ticket_centavos, kind: money}
--   - {name: aprobacion, kind: percent}
--   - {name: en_linea, kind: percent}
-- chart: {kind: bar, x: sucursal, y: [facturado_centavos]}
SELECT
  sucursal,
  provincia,
  COUNT(*) FILTER (WHERE estado = 'pendiente') AS ventas,
  COALESCE(SUM(importe_centavos) FILTER (WHERE estado = 'aprobada'), 0) AS facturado_centavos,
  SUM(importe_centavos) FILTER (WHERE estado = 'aprobada')
    / NULLIF(COUNT(*) FILTER (WHERE estado = 'aprobada'), 0) AS ticket_centavos,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada')
      / NULLIF(COUNT(*) FILTER (WHERE estado IN ('aprobada', 'rechazada')), 0), 2
  ) AS aprobacion,
  ROUND(
    100.0 * COUNT(*) FILTER (WHERE estado = 'pendiente' AND plataforma <> 'local')
      / NULLIF(COUNT(*) FILTER (WHERE estado = 'pendiente'), 0), 2
  ) AS en_linea
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND (:provincia = '' OR provincia = :provincia)
GROUP BY 1, 2
ORDER BY facturado_centavos DESC
