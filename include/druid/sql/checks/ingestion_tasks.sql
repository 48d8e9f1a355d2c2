-- severity: warning
-- needs:
--   - {column: tareas, minimum: 1}
-- bounds:
--   - {column: en_espera, minimum: 0, maximum: 0}
SELECT
  COUNT(*) AS tareas,
  COUNT(*) FILTER (WHERE runner_status <> 'RUNNING') AS en_espera
FROM sys.tasks
WHERE datasource = '{datasource}' AND status = 'RUNNING' AND type = 'index_kafka'
