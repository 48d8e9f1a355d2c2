-- title: Salud del supervisor
-- description: Si Druid tiene por sano al supervisor que ingiere las ventas.
-- severity: error
-- needs: supervisores: 1..
-- bounds: sano: 1..1
SELECT
  1 AS supervisores,
  healthy AS sano,
  suspended AS suspendido,
  detailed_state AS estado
FROM sys.supervisors
WHERE supervisor_id = '{datasource}'
