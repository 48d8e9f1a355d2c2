-- title_es: Estado del supervisor
-- title_en: State of the supervisor
-- description_es: El supervisor que ingiere las ventas de Kafka, si está sano y si está
--   suspendido.
-- description_en: The supervisor that ingests sales from Kafka, whether healthy, whether
--   suspended.
-- column: supervisor text; Supervisor; Supervisor
-- column: estado text; Estado; State
-- column: detalle text; Detalle; Detail
-- column: sano text; Sano; Healthy
-- column: suspendido text; Suspendido; Suspended
-- column: topico text; Tópico; Topic
SELECT
  supervisor_id AS supervisor,
  state AS estado,
  detailed_state AS detalle,
  CASE healthy WHEN 1 THEN 'sí' ELSE 'no' END AS sano,
  CASE suspended WHEN 1 THEN 'sí' ELSE 'no' END AS suspendido,
  source AS topico
FROM sys.supervisors
WHERE supervisor_id = '{datasource}'
