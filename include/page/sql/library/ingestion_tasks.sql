-- columns:
--   - {name: tarea, kind: text}
--   - {name: tipo, kind: text}
--   - {name: estado, kind: text}
--   - {name: creada, kind: text}
--   - {name: segundos, kind: decimal}
--   - {name: error, kind: text}
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
