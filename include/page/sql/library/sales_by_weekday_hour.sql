-- title: {es: "Semana tipo, hora por hora", en: "A typical week, hour by hour"}
-- description:
--   es: Ventas empezadas por día de la semana y hora local, en promedio de las semanas del lapso.
--   en: Sales begun by weekday and local hour, averaged over the weeks of the period.
-- parameters:
--   - {name: semanas, kind: number, default: 4, minimum: 1, maximum: 52,
--       label: {es: Semanas, en: Weeks}}
-- columns:
--   - {name: hora, kind: number, title: {es: Hora del día, en: Hour of the day}}
--   - {name: lunes, kind: decimal, title: {es: Lunes, en: Monday}}
--   - {name: martes, kind: decimal, title: {es: Martes, en: Tuesday}}
--   - {name: miercoles, kind: decimal, title: {es: Miércoles, en: Wednesday}}
--   - {name: jueves, kind: decimal, title: {es: Jueves, en: Thursday}}
--   - {name: viernes, kind: decimal, title: {es: Viernes, en: Friday}}
--   - {name: sabado, kind: decimal, title: {es: Sábado, en: Saturday}}
--   - {name: domingo, kind: decimal, title: {es: Domingo, en: Sunday}}
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
