-- title_es: Tareas de ingesta
-- title_en: Ingestion tasks
-- description_es: Las últimas tareas de Druid sobre las ventas, con su estado, lo que duraron y
--   su error.
-- description_en: Druid's latest tasks on the sales, with their state, how long they took, and
--   error.
-- column: tarea text; Tarea; Task
-- column: tipo text; Tipo; Type
-- column: estado text; Estado; State
-- column: creada text; Creada (UTC); Created (UTC)
-- column: segundos decimal; Segundos; Seconds
-- column: error text; Error; Error
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
