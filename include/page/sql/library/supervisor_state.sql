-- columns:
--   - {name: supervisor, kind: text}
--   - {name: estado, kind: text}
--   - {name: detalle, kind: text}
--   - {name: sano, kind: text}
--   - {name: suspendido, kind: text}
--   - {name: topico, kind: text}
SELECT
  supervisor_id AS supervisor,
  state AS estado,
  detailed_state AS detalle,
  CASE healthy WHEN 1 THEN 'sí' ELSE 'no' END AS sano,
  CASE suspended WHEN 1 THEN 'sí' ELSE 'no' END AS suspendido,
  source AS topico
FROM sys.supervisors
WHERE supervisor_id = '{datasource}'
