-- title: {es: Estado del supervisor, en: State of the supervisor}
-- description:
--   es: El supervisor que ingiere las ventas de Kafka, si está sano y si está suspendido.
--   en: The supervisor that ingests sales from Kafka, whether healthy, whether suspended.
-- columns:
--   - {name: supervisor, kind: text, title: {es: Supervisor, en: Supervisor}}
--   - {name: estado, kind: text, title: {es: Estado, en: State}}
--   - {name: detalle, kind: text, title: {es: Detalle, en: Detail}}
--   - {name: sano, kind: text, title: {es: Sano, en: Healthy}}
--   - {name: suspendido, kind: text, title: {es: Suspendido, en: Suspended}}
--   - {name: topico, kind: text, title: {es: Tópico, en: Topic}}
SELECT
  supervisor_id AS supervisor,
  state AS estado,
  detailed_state AS detalle,
  CASE healthy WHEN 1 THEN 'sí' ELSE 'no' END AS sano,
  CASE suspended WHEN 1 THEN 'sí' ELSE 'no' END AS suspendido,
  source AS topico
FROM sys.supervisors
WHERE supervisor_id = '{datasource}'
