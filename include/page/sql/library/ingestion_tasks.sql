-- title: {es: Tareas de ingesta, en: Ingestion tasks}
-- description:
--   es: Últimas tareas de Druid sobre las ventas, con su estado, su duración y su error.
--   en: Druid's latest tasks for the sales, with their state, duration and error.
-- columns:
--   - {name: tarea, kind: text, title: {es: Tarea, en: Task}}
--   - {name: tipo, kind: text, title: {es: Tipo, en: Type}}
--   - {name: estado, kind: text, title: {es: Estado, en: State}}
--   - {name: creada, kind: text, title: {es: Creada (UTC), en: Created (UTC)}}
--   - {name: segundos, kind: decimal, title: {es: Segundos, en: Seconds}}
--   - {name: error, kind: text, title: {es: Error, en: Error}}
SELECT
  task_id AS tarea,
  type AS tipo,
  runner_status AS estado,
  created_time AS creada,
  CASE WHEN duration >= 0 THEN ROUND(duration / 1000.0, 1) END AS segundos,
  error_msg AS error
FROM sys.tasks
WHERE datasource = '{datasource}'
ORDER BY created_time DESC
LIMIT 100
