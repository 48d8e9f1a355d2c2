-- title: Tareas de ingesta
-- description: >-
--   Tareas que esperan un lugar para correr: el supervisor parece sano y no ingiere. Una sola
--   espera un instante cuando reemplaza a otra.
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
