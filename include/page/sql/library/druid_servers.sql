-- title: {es: Procesos de Druid, en: Druid's processes}
-- description:
--   es: Procesos de Druid, con los datos que guarda cada uno y lo máximo que puede guardar.
--   en: Druid's processes, with the data that each one holds and the most that it can hold.
-- columns:
--   - {name: proceso, kind: text, title: {es: Proceso, en: Process}}
--   - {name: tipo, kind: text, title: {es: Tipo, en: Type}}
--   - {name: desde, kind: text, title: {es: Desde (UTC), en: Since (UTC)}}
--   - {name: megabytes, kind: decimal, title: {es: Megabytes guardados, en: Megabytes held}}
--   - {name: capacidad_megabytes, kind: decimal, title: {es: Capacidad (MB), en: Capacity (MB)}}
SELECT
  server AS proceso,
  server_type AS tipo,
  start_time AS desde,
  ROUND(curr_size / 1000000.0, 3) AS megabytes,
  ROUND(max_size / 1000000.0, 1) AS capacidad_megabytes
FROM sys.servers
ORDER BY server_type, server
