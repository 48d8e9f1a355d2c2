-- parameters:
--   - {name: desde, kind: time, default: -30d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: compras, kind: number}
--   - {name: clientes, kind: number}
--   - {name: facturado_centavos, kind: money}
--   - {name: por_cliente_centavos, kind: money}
-- chart: {kind: bar, x: compras, y: [clientes]}
SELECT
  compras,
  COUNT(*) AS clientes,
  SUM(gastado) AS facturado_centavos,
  SUM(gastado) / COUNT(*) AS por_cliente_centavos
FROM (
  SELECT cliente, COUNT(*) AS compras, SUM(importe_centavos) AS gastado
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
    AND estado = 'aprobada' AND cliente <> ''
  GROUP BY 1
)
GROUP BY 1
ORDER BY 1
