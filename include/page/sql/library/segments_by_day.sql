-- title: {es: Segmentos por día, en: Segments by day}
-- description:
--   es: Tamaño, segmentos y filas de cada día UTC de ventas en Druid. Los segmentos que una tarea
--     todavía llena no tienen tamaño.
--   en: Size, segments and rows of each UTC day of sales in Druid. Segments that a task still
--     fills have no size.
-- columns:
--   - {name: dia, kind: text, title: {es: Día (UTC), en: Day (UTC)}}
--   - {name: segmentos, kind: number, title: {es: Segmentos, en: Segments}}
--   - {name: en_tiempo_real, kind: number, title: {es: En tiempo real, en: Real-time}}
--   - {name: filas, kind: number, title: {es: Filas, en: Rows}}
--   - {name: megabytes, kind: decimal, title: {es: Megabytes, en: Megabytes}}
--   - {name: bytes_por_fila, kind: decimal, title: {es: Bytes por fila, en: Bytes a row}}
-- chart: {kind: bar, x: dia, y: [filas]}
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
