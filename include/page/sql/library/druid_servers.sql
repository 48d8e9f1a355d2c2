-- title_es: Procesos de Druid
-- title_en: Druid's processes
-- description_es: Los procesos que forman Druid, y cuánto guardan de lo que pueden.
-- description_en: The processes that make up Druid, and how much they hold of what they can.
-- column: proceso text; Proceso; Process
-- column: tipo text; Tipo; Type
-- column: desde text; Desde (UTC); Since (UTC)
-- column: megabytes decimal; Megabytes guardados; Megabytes held
-- column: capacidad_megabytes decimal; Capacidad (MB); Capacity (MB)
SELECT
  server AS proceso,
  server_type AS tipo,
  start_time AS desde,
  ROUND(curr_size / 1000000.0, 3) AS megabytes,
  ROUND(max_size / 1000000.0, 1) AS capacidad_megabytes
FROM sys.servers
ORDER BY server_type, server
