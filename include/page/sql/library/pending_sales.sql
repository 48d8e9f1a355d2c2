-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: minutos, kind: number, default: 5, minimum: 1, maximum: 100000}
-- columns:
--   - {name: id_venta, kind: text}
--   - {name: empezada, kind: time}
--   - {name: sucursal, kind: text}
--   - {name: tipo_pago, kind: text}
--   - {name: importe_centavos, kind: money}
SELECT id_venta, empezada, sucursal, tipo_pago, importe_centavos
FROM (
  SELECT
    id_venta,
    sucursal,
    tipo_pago,
    MIN(__time) AS empezada,
    MAX(importe_centavos) AS importe_centavos,
    COUNT(*) FILTER (WHERE estado <> 'pendiente') AS pasos
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde)
  GROUP BY 1, 2, 3
)
WHERE pasos = 0 AND empezada < TIMESTAMPADD(MINUTE, -:minutos, CURRENT_TIMESTAMP)
ORDER BY empezada
LIMIT 1000
