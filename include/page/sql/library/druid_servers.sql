-- columns:
--   - {name: proceso, kind: text}
--   - {name: tipo, kind: text}
--   - {name: desde, kind: text}
--   - {name: megabytes, kind: decimal}
--   - {name: capacidad_megabytes, kind: decimal}
SELECT
  server AS proceso,
  server_type AS tipo,
  start_time AS desde,
  ROUND(curr_size / 1000000.0, 3) AS megabytes,
  ROUND(max_size / 1000000.0, 1) AS capacidad_megabytes
FROM sys.servers
ORDER BY server_type, server
