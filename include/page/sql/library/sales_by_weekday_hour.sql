-- parameters:
--   - {name: semanas, kind: number, default: 4, minimum: 1, maximum: 52}
-- columns:
--   - {name: hora, kind: number}
--   - {name: lunes, kind: decimal}
--   - {name: martes, kind: decimal}
--   - {name: miercoles, kind: decimal}
--   - {name: jueves, kind: decimal}
--   - {name: viernes, kind: decimal}
--   - {name: sabado, kind: decimal}
--   - {name: domingo, kind: decimal}
-- chart: {kind: line, x: hora, y: [lunes, martes, miercoles, jueves, viernes, sabado, domingo]}
SELECT
  hora,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 1) / :semanas, 2) AS lunes,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 2) / :semanas, 2) AS martes,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 3) / :semanas, 2) AS miercoles,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 4) / :semanas, 2) AS jueves,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 5) / :semanas, 2) AS viernes,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 6) / :semanas, 2) AS sabado,
  ROUND(1.0 * COUNT(*) FILTER (WHERE dia = 7) / :semanas, 2) AS domingo
FROM (
  SELECT
    TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora,
    TIME_EXTRACT(__time, 'DOW', 'America/Argentina/Buenos_Aires') AS dia
  FROM "{datasource}"
  WHERE __time >= TIMESTAMPADD(DAY, -7 * :semanas, CURRENT_TIMESTAMP)
    AND __time < CURRENT_TIMESTAMP AND estado = 'pendiente'
)
GROUP BY 1
ORDER BY 1
