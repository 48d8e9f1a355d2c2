-- parameters:
--   - {name: desde, kind: time, default: -7d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: pago, kind: text}
--   - {name: ventas, kind: number}
--   - {name: con_descuento, kind: percent}
--   - {name: descuento_medio, kind: percent}
--   - {name: descuento_centavos, kind: money}
--   - {name: ticket_con_centavos, kind: money}
--   - {name: ticket_sin_centavos, kind: money}
-- chart: {kind: bar, x: pago, y: [con_descuento]}
SELECT
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  COUNT(*) AS ventas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE descuento_centavos > 0) / COUNT(*), 2) AS con_descuento,
  ROUND(
    100.0 * SUM(descuento_centavos) / NULLIF(
      SUM(importe_centavos + descuento_centavos) FILTER (WHERE descuento_centavos > 0), 0
    ), 2
  ) AS descuento_medio,
  SUM(descuento_centavos) AS descuento_centavos,
  SUM(importe_centavos) FILTER (WHERE descuento_centavos > 0)
    / NULLIF(COUNT(*) FILTER (WHERE descuento_centavos > 0), 0) AS ticket_con_centavos,
  SUM(importe_centavos) FILTER (WHERE descuento_centavos = 0)
    / NULLIF(COUNT(*) FILTER (WHERE descuento_centavos = 0), 0) AS ticket_sin_centavos
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'aprobada'
GROUP BY 1
ORDER BY ventas DESC
