-- title_es: Semana tipo, hora por hora
-- title_en: A typical week, hour by hour
-- description_es: Ventas empezadas por día de la semana y hora local, en el promedio de las
--   semanas del lapso.
-- description_en: Sales begun by weekday and local hour, in the mean of the weeks of the period.
-- parameter: semanas number 4 1..52; Semanas; Weeks
-- column: hora number; Hora del día; Hour of the day
-- column: lunes decimal; Lunes; Monday
-- column: martes decimal; Martes; Tuesday
-- column: miercoles decimal; Miércoles; Wednesday
-- column: jueves decimal; Jueves; Thursday
-- column: viernes decimal; Viernes; Friday
-- column: sabado decimal; Sábado; Saturday
-- column: domingo decimal; Domingo; Sunday
-- chart: line hora: lunes, martes, miercoles, jueves, viernes, sabado, domingo
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
