-- title_es: Segmentos por día
-- title_en: Segments by day
-- description_es: Cuánto ocupa en Druid cada día UTC de ventas, en cuántos segmentos y filas. Los
--   que una tarea todavía llena no tienen tamaño.
-- description_en: How much each UTC day of sales takes in Druid, in how many segments and rows.
--   Those that a task still fills have no size.
-- column: dia text; Día (UTC); Day (UTC)
-- column: segmentos number; Segmentos; Segments
-- column: en_tiempo_real number; En tiempo real; Real-time
-- column: filas number; Filas; Rows
-- column: megabytes decimal; Megabytes; Megabytes
-- column: bytes_por_fila decimal; Bytes por fila; Bytes a row
-- chart: bar dia: filas
SELECT
  "start" AS dia,
  COUNT(*) AS segmentos,
  COUNT(*) FILTER (WHERE is_realtime = 1) AS en_tiempo_real,
  SUM(num_rows) AS filas,
  ROUND(SUM("size") / 1000000.0, 3) AS megabytes,
  ROUND(1.0 * SUM("size") / NULLIF(SUM(num_rows), 0), 1) AS bytes_por_fila
FROM sys.segments
WHERE datasource = '{datasource}' AND is_active = 1
GROUP BY 1
ORDER BY 1 DESC
