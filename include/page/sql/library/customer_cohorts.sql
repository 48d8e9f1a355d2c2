-- parameters:
--   - {name: semanas, kind: number, default: 8, minimum: 2, maximum: 52}
-- columns:
--   - {name: cohorte, kind: day}
--   - {name: clientes, kind: number}
--   - {name: volvieron, kind: number}
--   - {name: retorno, kind: percent}
--   - {name: siguen, kind: number}
--   - {name: compras, kind: decimal}
--   - {name: gasto_centavos, kind: money}
-- chart: {kind: bar, x: cohorte, y: [clientes, volvieron, siguen]}
SELECT
  TIME_FLOOR(primera, 'P1W', NULL, 'America/Argentina/Buenos_Aires') AS cohorte,
  COUNT(*) AS clientes,
  COUNT(*) FILTER (WHERE veces > 1) AS volvieron,
  ROUND(100.0 * COUNT(*) FILTER (WHERE veces > 1) / COUNT(*), 2) AS retorno,
  COUNT(*) FILTER (WHERE ultima >= TIMESTAMPADD(DAY, -7, CURRENT_TIMESTAMP)) AS siguen,
  ROUND(1.0 * SUM(veces) / COUNT(*), 2) AS compras,
  SUM(gastado) / COUNT(*) AS gasto_centavos
FROM (
  SELECT
    cliente,
    COUNT(*) AS veces,
    SUM(importe_centavos) AS gastado,
    MIN(__time) AS primera,
    MAX(__time) AS ultima
  FROM "{datasource}"
  WHERE __time >= TIMESTAMPADD(DAY, -7 * :semanas, CURRENT_TIMESTAMP)
    AND estado = 'aprobada' AND cliente <> ''
  GROUP BY 1
)
GROUP BY 1
ORDER BY 1
