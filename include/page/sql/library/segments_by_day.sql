-- columns:
--   - {name: dia, kind: text}
--   - {name: segmentos, kind: number}
--   - {name: en_tiempo_real, kind: number}
--   - {name: filas, kind: number}
--   - {name: megabytes, kind: decimal}
--   - {name: bytes_por_fila, kind: decimal}
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
