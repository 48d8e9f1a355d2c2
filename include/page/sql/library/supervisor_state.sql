-- title: {es: Estado de la ingesta, en: State of the ingestion}
-- description:
--   es: "El supervisor de Druid que ingiere las ventas de Kafka: su estado, y si tiene fallas o
--     está suspendido."
--   en: "The supervisor that ingests sales from Kafka: its state, and whether it is healthy or
--     suspended."
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
